/** Who may call the copilot's tools from outside. A secret is shown once, right after it was made. */
import { Button, Checkbox, MultiSelect, Table, TextInput } from '@mantine/core';
import { useState } from 'react';
import * as icons from '../../icons';
import { useToolClientChange, useToolClients } from '../api/queries';
import type { ToolClient } from '../api/types';
import { AskFirst, FormDialog } from '../parts/dialogs';
import { Icon } from '../parts/Icon';
import { ListTable, RowActs } from '../parts/ListTable';
import { Ago, Empty, ProblemNote, Tag } from '../parts/parts';
import parts from '../parts/parts.module.css';
import { useSession } from '../shell/session';
import { successTools, toolName } from '../success/tools';
import { Secret } from './Secret';
import css from './settings.module.css';

type Act = 'rotate' | 'delete';

export function ToolClients() {
  const clients = useToolClients();
  const { may } = useSession();
  const [creating, setCreating] = useState(false);
  const [secret, setSecret] = useState<{ name: string; secret: string } | null>(null);
  const [asking, setAsking] = useState<{ client: ToolClient; act: Act } | null>(null);
  if (clients.isError)
    return <ProblemNote error={clients.error} retry={() => void clients.refetch()} />;
  return (
    <>
      {may('keys') && (
        <div className={css.bar}>
          <Button
            size="xs"
            leftSection={<Icon path={icons.plus} size={15} />}
            onClick={() => setCreating(true)}
          >
            New tool client
          </Button>
        </div>
      )}
      <ListTable
        list={clients}
        head={['Name', 'Tools', 'Sees', { label: 'Made', className: parts.extra ?? '' }]}
        acts={may('keys')}
        bones={{ columns: 3, rows: 3 }}
        empty={
          <Empty icon={icons.wrench} title="No tool clients">
            A tool client is another system that calls the copilot’s tools with signed requests.
          </Empty>
        }
        row={(client) => (
          <Table.Tr key={client.id}>
            <Table.Td>
              <strong className={css.strong}>{client.name || client.client}</strong>{' '}
              {client.old_secret_until && client.old_secret_until > Date.now() ? (
                <Tag tone="human">rotating</Tag>
              ) : null}
              <br />
              <code className={parts.mono}>{client.client}</code>
            </Table.Td>
            <Table.Td>
              <span className={css.tags}>
                {client.tools.length === 0
                  ? 'All'
                  : client.tools.map((tool) => <Tag key={tool}>{toolName(tool)}</Tag>)}
              </span>
            </Table.Td>
            <Table.Td>{client.demo_only ? 'Demo accounts' : 'All accounts'}</Table.Td>
            <Table.Td className={parts.extra ?? ''}>
              <Ago ms={client.created_at} />
            </Table.Td>
            {may('keys') && (
              <RowActs
                name={client.name || client.client}
                acts={[
                  { label: 'Rotate…', onClick: () => setAsking({ client, act: 'rotate' }) },
                  {
                    label: 'Delete…',
                    red: true,
                    onClick: () => setAsking({ client, act: 'delete' }),
                  },
                ]}
              />
            )}
          </Table.Tr>
        )}
      />
      {creating && (
        <NewClient
          onClose={() => setCreating(false)}
          onMade={(made) => {
            setCreating(false);
            setSecret(made);
          }}
        />
      )}
      {secret && <Secret made={secret} onClose={() => setSecret(null)} />}
      {asking && (
        <AskAboutClient
          {...asking}
          onClose={() => setAsking(null)}
          onMade={(made) => {
            setAsking(null);
            if (made) setSecret({ name: asking.client.name || asking.client.client, secret: made });
          }}
        />
      )}
    </>
  );
}

function NewClient(props: {
  onClose: () => void;
  onMade: (made: { name: string; secret: string }) => void;
}) {
  const [client, setClient] = useState('');
  const [name, setName] = useState('');
  const [tools, setTools] = useState<string[]>([]);
  const [demoOnly, setDemoOnly] = useState(false);
  const change = useToolClientChange();
  const create = () =>
    change.mutate(
      {
        act: 'create',
        body: {
          client: client.trim(),
          demo_only: demoOnly,
          ...(name.trim() ? { name: name.trim() } : {}),
          ...(tools.length ? { tools } : {}),
        },
      },
      {
        onSuccess: (made) =>
          made && props.onMade({ name: made.name || made.client, secret: made.secret ?? '' }),
      },
    );
  return (
    <FormDialog
      title="New tool client"
      verb="Create"
      change={change}
      ready={client.trim() !== ''}
      onClose={props.onClose}
      onSubmit={create}
    >
      <TextInput
        label="Short name"
        description="What it sends as X-Client: small letters, digits and hyphens"
        required
        withAsterisk={false}
        maxLength={60}
        value={client}
        onChange={(event) => setClient(event.currentTarget.value)}
        data-autofocus
      />
      <TextInput
        label="Name"
        maxLength={80}
        value={name}
        onChange={(event) => setName(event.currentTarget.value)}
      />
      <MultiSelect
        label="Tools"
        placeholder={tools.length ? '' : 'All tools'}
        data={successTools.map((value) => ({ value, label: toolName(value) }))}
        value={tools}
        onChange={setTools}
        size="sm"
      />
      <Checkbox
        size="xs"
        radius="xs"
        label="Sees only the demo accounts"
        checked={demoOnly}
        onChange={(event) => setDemoOnly(event.currentTarget.checked)}
      />
    </FormDialog>
  );
}

function AskAboutClient(props: {
  client: ToolClient;
  act: Act;
  onClose: () => void;
  onMade: (secret: string | null) => void;
}) {
  const { client, act } = props;
  const change = useToolClientChange();
  const rotates = act === 'rotate';
  return (
    <AskFirst
      title={`${rotates ? 'Rotate' : 'Delete'} “${client.name || client.client}”?`}
      verb={rotates ? 'Rotate' : 'Delete'}
      red={!rotates}
      change={change}
      onClose={props.onClose}
      onSure={() =>
        change.mutate(
          { act, id: client.id },
          { onSuccess: (made) => props.onMade(made?.secret ?? null) },
        )
      }
    >
      {rotates
        ? 'A new secret is made. The old one works beside it for a while, so that you can change it where it is used.'
        : 'Its requests are refused from now on. This cannot be undone.'}
    </AskFirst>
  );
}
