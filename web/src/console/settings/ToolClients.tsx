/** Who may call the copilot's tools from outside. A secret is shown once, right after it was made. */
import { Button, Checkbox, Menu, MultiSelect, Table, TextInput } from '@mantine/core';
import { useState } from 'react';
import * as icons from '../../icons';
import { useToolClientChange, useToolClients } from '../api/queries';
import type { ToolClient } from '../api/types';
import { Dialog } from '../parts/Dialog';
import { Icon } from '../parts/Icon';
import { Ago, Empty, More, ProblemNote, TableBones, Tag } from '../parts/parts';
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
      <div className={parts.sheet}>
        {clients.isPending && <TableBones columns={3} rows={3} />}
        {clients.items?.length === 0 && (
          <Empty icon={icons.wrench} title="No tool clients">
            A tool client is another system that calls the copilot’s tools with signed requests.
          </Empty>
        )}
        {!!clients.items?.length && (
          <div className={parts.scrollX}>
            <Table>
              <Table.Thead>
                <Table.Tr>
                  <Table.Th>Name</Table.Th>
                  <Table.Th>Tools</Table.Th>
                  <Table.Th>Sees</Table.Th>
                  <Table.Th className={parts.extra ?? ''}>Made</Table.Th>
                  {may('keys') && <Table.Th aria-label="Actions" />}
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {clients.items.map((client) => (
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
                      <Table.Td w={48}>
                        <Menu position="bottom-end">
                          <Menu.Target>
                            <Button
                              variant="subtle"
                              color="gray"
                              size="compact-xs"
                              px={4}
                              aria-label={`Actions for ${client.name || client.client}`}
                            >
                              <Icon path={icons.more} size={18} />
                            </Button>
                          </Menu.Target>
                          <Menu.Dropdown>
                            <Menu.Item onClick={() => setAsking({ client, act: 'rotate' })}>
                              Rotate…
                            </Menu.Item>
                            <Menu.Item
                              color="red"
                              onClick={() => setAsking({ client, act: 'delete' })}
                            >
                              Delete…
                            </Menu.Item>
                          </Menu.Dropdown>
                        </Menu>
                      </Table.Td>
                    )}
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          </div>
        )}
        <More
          has={clients.hasNextPage}
          busy={clients.isFetchingNextPage}
          load={() => void clients.fetchNextPage()}
        />
      </div>
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
        <AskFirst
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
    <Dialog onClose={props.onClose} title="New tool client" size="sm">
      <form
        className={css.form}
        onSubmit={(event) => {
          event.preventDefault();
          create();
        }}
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
        {change.isError && <ProblemNote error={change.error} />}
        <div className={css.dialogActs}>
          <Button variant="default" onClick={props.onClose}>
            Cancel
          </Button>
          <Button type="submit" loading={change.isPending} disabled={!client.trim()}>
            Create
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

function AskFirst(props: {
  client: ToolClient;
  act: Act;
  onClose: () => void;
  onMade: (secret: string | null) => void;
}) {
  const { client, act } = props;
  const change = useToolClientChange();
  const rotates = act === 'rotate';
  const named = client.name || client.client;
  return (
    <Dialog
      onClose={props.onClose}
      title={rotates ? `Rotate “${named}”?` : `Delete “${named}”?`}
      size="sm"
    >
      <p className={css.dialogText}>
        {rotates
          ? 'A new secret is made. The old one works beside it for a while, so that you can change it where it is used.'
          : 'Its requests are refused from now on. This cannot be undone.'}
      </p>
      {change.isError && <ProblemNote error={change.error} />}
      <div className={css.dialogActs}>
        <Button variant="default" onClick={props.onClose}>
          Cancel
        </Button>
        <Button
          color={rotates ? 'pine' : 'red'}
          loading={change.isPending}
          onClick={() =>
            change.mutate(
              { act, id: client.id },
              { onSuccess: (made) => props.onMade(made?.secret ?? null) },
            )
          }
        >
          {rotates ? 'Rotate' : 'Delete'}
        </Button>
      </div>
    </Dialog>
  );
}
