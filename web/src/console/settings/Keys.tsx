/** API keys. The secret is shown once, right after it was made; afterwards nobody can read it. */
import { Button, MultiSelect, Select, Table, TextInput } from '@mantine/core';
import { useState } from 'react';
import * as icons from '../../icons';
import { useKeyChange, useKeys } from '../api/queries';
import type { ApiKey } from '../api/types';
import { AskFirst, FormDialog } from '../parts/dialogs';
import { Icon } from '../parts/Icon';
import { ListTable, RowActs } from '../parts/ListTable';
import { Ago, Empty, ProblemNote, Tag } from '../parts/parts';
import { dateOf } from '../parts/words';
import { Secret } from './Secret';
import css from './settings.module.css';

const dayMs = 86_400_000;
const areas = [
  'agents',
  'conversations',
  'documents',
  'records',
  'runs',
  'events',
  'members',
  'keys',
  'audit',
];
const scopes = areas.flatMap((area) => [`${area}:read`, `${area}:write`]);

type Act = 'rotate' | 'revoke';

export function Keys() {
  const keys = useKeys();
  const [creating, setCreating] = useState(false);
  const [secret, setSecret] = useState<{ name: string; secret: string } | null>(null);
  const [asking, setAsking] = useState<{ apiKey: ApiKey; act: Act } | null>(null);
  if (keys.isError) return <ProblemNote error={keys.error} retry={() => void keys.refetch()} />;
  return (
    <>
      <div className={css.bar}>
        <a href="/reference.html" target="_blank" rel="noreferrer">
          API reference
        </a>
        <Button
          size="xs"
          leftSection={<Icon path={icons.plus} size={15} />}
          onClick={() => setCreating(true)}
        >
          New API key
        </Button>
      </div>
      <ListTable
        list={keys}
        head={['Name', 'Scopes', 'Made', 'Expires']}
        acts
        bones={{ rows: 3 }}
        empty={
          <Empty icon={icons.key} title="No API keys">
            A key lets another system work with this workspace, within the scopes you give it.
          </Empty>
        }
        row={(key) => (
          <Table.Tr key={key.id}>
            <Table.Td>
              <strong className={css.strong}>{key.name}</strong>
            </Table.Td>
            <Table.Td>
              <span className={css.tags}>
                {key.scopes.map((scope) => (
                  <Tag key={scope}>{scope}</Tag>
                ))}
                {key.rotating && <Tag tone="human">rotating</Tag>}
              </span>
            </Table.Td>
            <Table.Td>
              <Ago ms={key.created_at} />
            </Table.Td>
            <Table.Td>{key.expires_at ? dateOf(key.expires_at) : 'Never'}</Table.Td>
            <RowActs
              name={key.name}
              acts={[
                { label: 'Rotate…', onClick: () => setAsking({ apiKey: key, act: 'rotate' }) },
                {
                  label: 'Revoke…',
                  red: true,
                  onClick: () => setAsking({ apiKey: key, act: 'revoke' }),
                },
              ]}
            />
          </Table.Tr>
        )}
      />
      {creating && (
        <NewKey
          onClose={() => setCreating(false)}
          onMade={(key) => {
            setCreating(false);
            setSecret(key);
          }}
        />
      )}
      {secret && <Secret made={secret} onClose={() => setSecret(null)} />}
      {asking && (
        <AskAboutKey
          {...asking}
          onClose={() => setAsking(null)}
          onMade={(made) => {
            setAsking(null);
            if (made) setSecret({ name: asking.apiKey.name, secret: made });
          }}
        />
      )}
    </>
  );
}

function AskAboutKey(props: {
  apiKey: ApiKey;
  act: Act;
  onClose: () => void;
  onMade: (secret: string | null) => void;
}) {
  const { apiKey, act } = props;
  const change = useKeyChange();
  const rotates = act === 'rotate';
  return (
    <AskFirst
      title={`${rotates ? 'Rotate' : 'Revoke'} “${apiKey.name}”?`}
      verb={rotates ? 'Rotate' : 'Revoke'}
      red={!rotates}
      change={change}
      onClose={props.onClose}
      onSure={() =>
        change.mutate(
          { act, id: apiKey.id },
          { onSuccess: (made) => props.onMade(made?.key ?? null) },
        )
      }
    >
      {rotates
        ? 'A new secret is made. The old one works for another 24 hours, so that you can change it where it is used.'
        : 'Whatever uses this key stops working at once. This cannot be undone.'}
    </AskFirst>
  );
}

function NewKey({
  onClose,
  onMade,
}: {
  onClose: () => void;
  onMade: (made: { name: string; secret: string }) => void;
}) {
  const [name, setName] = useState('');
  const [chosen, setChosen] = useState<string[]>([]);
  const [days, setDays] = useState('90');
  const change = useKeyChange();
  return (
    <FormDialog
      title="New API key"
      verb="Create"
      change={change}
      ready={name.trim() !== '' && chosen.length > 0}
      onClose={onClose}
      onSubmit={() => {
        const expires_at = days === '0' ? null : Date.now() + Number(days) * dayMs;
        change.mutate(
          {
            act: 'create',
            body: { name: name.trim(), scopes: chosen, ...(expires_at ? { expires_at } : {}) },
          },
          { onSuccess: (made) => made && onMade({ name: name.trim(), secret: made.key }) },
        );
      }}
    >
      <TextInput
        label="Name"
        description="What uses it"
        required
        withAsterisk={false}
        maxLength={80}
        value={name}
        onChange={(event) => setName(event.currentTarget.value)}
        data-autofocus
      />
      <MultiSelect
        label="Scopes"
        description="What it may do; nothing else"
        data={scopes}
        value={chosen}
        onChange={setChosen}
        searchable
        size="sm"
      />
      <Select
        label="Expires"
        value={days}
        onChange={(value) => setDays(value ?? '90')}
        data={[
          { value: '30', label: 'In 30 days' },
          { value: '90', label: 'In 90 days' },
          { value: '365', label: 'In a year' },
          { value: '0', label: 'Never' },
        ]}
      />
    </FormDialog>
  );
}
