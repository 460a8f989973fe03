/** API keys. The secret is shown once, right after it was made; afterwards nobody can read it. */
import { Button, Menu, Modal, MultiSelect, Select, Table, TextInput } from '@mantine/core';
import { useState } from 'react';
import * as icons from '../../icons';
import { useKeyChange, useKeys } from '../api/queries';
import type { ApiKey } from '../api/types';
import { complain } from '../conversations/ConversationView';
import { Dialog } from '../parts/Dialog';
import { Icon } from '../parts/Icon';
import { Ago, Empty, More, ProblemNote, TableBones, Tag } from '../parts/parts';
import parts from '../parts/parts.module.css';
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

export function Keys() {
  const keys = useKeys();
  const change = useKeyChange();
  const [creating, setCreating] = useState(false);
  const [secret, setSecret] = useState<{ name: string; secret: string } | null>(null);
  const [asking, setAsking] = useState<{ key: ApiKey; act: 'rotate' | 'revoke' } | null>(null);
  if (keys.isError) return <ProblemNote error={keys.error} retry={() => void keys.refetch()} />;

  function carryOut() {
    if (!asking) return;
    change.mutate(
      { act: asking.act, id: asking.key.id },
      {
        onSuccess: (made) => {
          setAsking(null);
          if (made) setSecret({ name: asking.key.name, secret: made.key });
        },
        onError: (error) =>
          complain(
            asking.act === 'rotate' ? 'The key was not rotated' : 'The key was not revoked',
            error,
          ),
      },
    );
  }

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
      <div className={parts.sheet}>
        {keys.isPending && <TableBones columns={4} rows={3} />}
        {keys.items?.length === 0 && (
          <Empty icon={icons.key} title="No API keys">
            A key lets another system work with this workspace, within the scopes you give it.
          </Empty>
        )}
        {!!keys.items?.length && (
          <div className={parts.scrollX}>
            <Table>
              <Table.Thead>
                <Table.Tr>
                  <Table.Th>Name</Table.Th>
                  <Table.Th>Scopes</Table.Th>
                  <Table.Th>Made</Table.Th>
                  <Table.Th>Expires</Table.Th>
                  <Table.Th aria-label="Actions" />
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {keys.items.map((key) => (
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
                    <Table.Td w={48}>
                      <Menu position="bottom-end">
                        <Menu.Target>
                          <Button
                            variant="subtle"
                            color="gray"
                            size="compact-xs"
                            px={4}
                            aria-label={`Actions for ${key.name}`}
                          >
                            <Icon path={icons.more} size={18} />
                          </Button>
                        </Menu.Target>
                        <Menu.Dropdown>
                          <Menu.Item onClick={() => setAsking({ key, act: 'rotate' })}>
                            Rotate…
                          </Menu.Item>
                          <Menu.Item color="red" onClick={() => setAsking({ key, act: 'revoke' })}>
                            Revoke…
                          </Menu.Item>
                        </Menu.Dropdown>
                      </Menu>
                    </Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          </div>
        )}
        <More
          has={keys.hasNextPage}
          busy={keys.isFetchingNextPage}
          load={() => void keys.fetchNextPage()}
        />
      </div>
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
      <Modal
        opened={asking !== null}
        onClose={() => setAsking(null)}
        size="sm"
        title={
          asking?.act === 'rotate'
            ? `Rotate “${asking.key.name}”?`
            : `Revoke “${asking?.key.name ?? ''}”?`
        }
      >
        <p className={css.dialogText}>
          {asking?.act === 'rotate'
            ? 'A new secret is made. The old one works for another 24 hours, so that you can change it where it is used.'
            : 'Whatever uses this key stops working at once. This cannot be undone.'}
        </p>
        <div className={css.dialogActs}>
          <Button variant="default" onClick={() => setAsking(null)}>
            Cancel
          </Button>
          <Button
            color={asking?.act === 'revoke' ? 'red' : 'pine'}
            loading={change.isPending}
            onClick={carryOut}
          >
            {asking?.act === 'rotate' ? 'Rotate' : 'Revoke'}
          </Button>
        </div>
      </Modal>
    </>
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
    <Dialog onClose={onClose} title="New API key" size="sm">
      <form
        className={css.form}
        onSubmit={(event) => {
          event.preventDefault();
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
        {change.isError && <ProblemNote error={change.error} />}
        <div className={css.dialogActs}>
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button
            type="submit"
            loading={change.isPending}
            disabled={!name.trim() || chosen.length === 0}
          >
            Create
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
