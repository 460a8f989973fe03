/** The people of the org: who they are and what they may do. */
import { Button, Menu, MultiSelect, PasswordInput, Table, TextInput } from '@mantine/core';
import { useState } from 'react';
import * as icons from '../../icons';
import { useMemberChange, useMembers } from '../api/queries';
import type { Member } from '../api/types';
import { Dialog } from '../parts/Dialog';
import { Icon } from '../parts/Icon';
import { Empty, Face, More, ProblemNote, TableBones, Tag } from '../parts/parts';
import parts from '../parts/parts.module.css';
import { dateOf, plain } from '../parts/words';
import { useSession } from '../shell/session';
import css from './settings.module.css';

const roles = [
  'admin',
  'supervisor',
  'support',
  'sales',
  'onboarding',
  'success',
  'engineer',
  'viewer',
];
const shortestPassword = 10;

export function Members() {
  const members = useMembers();
  const { member: me, may } = useSession();
  const [editing, setEditing] = useState<Member | 'new' | null>(null);
  const [removing, setRemoving] = useState<Member | null>(null);
  if (members.isError)
    return <ProblemNote error={members.error} retry={() => void members.refetch()} />;
  return (
    <>
      {may('members') && (
        <div className={css.bar}>
          <Button
            size="xs"
            leftSection={<Icon path={icons.plus} size={15} />}
            onClick={() => setEditing('new')}
          >
            Add member
          </Button>
        </div>
      )}
      <div className={parts.sheet}>
        {members.isPending && <TableBones columns={4} />}
        {members.items?.length === 0 && <Empty icon={icons.people} title="No members" />}
        {!!members.items?.length && (
          <div className={parts.scrollX}>
            <Table>
              <Table.Thead>
                <Table.Tr>
                  <Table.Th>Name</Table.Th>
                  <Table.Th>Roles</Table.Th>
                  <Table.Th className={parts.extra ?? ''}>Since</Table.Th>
                  {may('members') && <Table.Th aria-label="Actions" />}
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {members.items.map((member) => (
                  <Table.Tr key={member.id}>
                    <Table.Td>
                      <span className={css.person}>
                        <Face name={member.name} tone="human" size={30} />
                        <span>
                          <strong>
                            {member.name}
                            {member.id === me.id && ' (you)'}
                          </strong>
                          <em>{[member.title, member.email].filter(Boolean).join(' · ')}</em>
                        </span>
                      </span>
                    </Table.Td>
                    <Table.Td>
                      <span className={css.tags}>
                        {member.roles.map((role) => (
                          <Tag key={role}>{plain(role)}</Tag>
                        ))}
                        {member.status && member.status !== 'active' && (
                          <Tag tone="human">{plain(member.status)}</Tag>
                        )}
                      </span>
                    </Table.Td>
                    <Table.Td className={parts.extra ?? ''}>
                      {member.created_at ? dateOf(member.created_at) : '–'}
                    </Table.Td>
                    {may('members') && (
                      <Table.Td w={48}>
                        <Menu position="bottom-end">
                          <Menu.Target>
                            <Button
                              variant="subtle"
                              color="gray"
                              size="compact-xs"
                              px={4}
                              aria-label={`Actions for ${member.name}`}
                            >
                              <Icon path={icons.more} size={18} />
                            </Button>
                          </Menu.Target>
                          <Menu.Dropdown>
                            <Menu.Item onClick={() => setEditing(member)}>Change roles…</Menu.Item>
                            <Menu.Item
                              color="red"
                              disabled={member.id === me.id}
                              onClick={() => setRemoving(member)}
                            >
                              Remove…
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
          has={members.hasNextPage}
          busy={members.isFetchingNextPage}
          load={() => void members.fetchNextPage()}
        />
      </div>
      {editing && (
        <MemberDialog
          member={editing === 'new' ? null : editing}
          onClose={() => setEditing(null)}
        />
      )}
      {removing && <RemoveDialog member={removing} onClose={() => setRemoving(null)} />}
    </>
  );
}

function MemberDialog({ member, onClose }: { member: Member | null; onClose: () => void }) {
  const [name, setName] = useState(member?.name ?? '');
  const [email, setEmail] = useState(member?.email ?? '');
  const [password, setPassword] = useState('');
  const [chosen, setChosen] = useState<string[]>(member?.roles ?? ['support']);
  const change = useMemberChange();
  const ready =
    chosen.length > 0 &&
    (member !== null || (name.trim() && email.trim() && password.length >= shortestPassword));
  return (
    <Dialog onClose={onClose} title={member ? `Roles of ${member.name}` : 'Add a member'} size="sm">
      <form
        className={css.form}
        onSubmit={(event) => {
          event.preventDefault();
          const body = member
            ? { roles: chosen }
            : { name: name.trim(), email: email.trim(), password, roles: chosen };
          change.mutate(member ? { id: member.id, body } : { body }, { onSuccess: onClose });
        }}
      >
        {!member && (
          <>
            <TextInput
              label="Name"
              required
              withAsterisk={false}
              value={name}
              onChange={(event) => setName(event.currentTarget.value)}
              data-autofocus
            />
            <TextInput
              label="E-mail address"
              type="email"
              required
              withAsterisk={false}
              autoComplete="off"
              value={email}
              onChange={(event) => setEmail(event.currentTarget.value)}
            />
            <PasswordInput
              label="First password"
              description={`At least ${shortestPassword} characters; give it to them in person`}
              required
              withAsterisk={false}
              autoComplete="new-password"
              value={password}
              onChange={(event) => setPassword(event.currentTarget.value)}
            />
          </>
        )}
        <MultiSelect
          label="Roles"
          data={[...new Set([...roles, ...chosen])].map((value) => ({
            value,
            label: plain(value),
          }))}
          value={chosen}
          onChange={setChosen}
          size="sm"
          comboboxProps={{ withinPortal: true }}
        />
        {change.isError && <ProblemNote error={change.error} />}
        <div className={css.dialogActs}>
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" loading={change.isPending} disabled={!ready}>
            {member ? 'Save' : 'Add'}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

function RemoveDialog({ member, onClose }: { member: Member; onClose: () => void }) {
  const change = useMemberChange();
  return (
    <Dialog onClose={onClose} title={`Remove ${member.name}?`} size="sm">
      <p className={css.dialogText}>
        They are signed out everywhere. What they wrote and did stays, under their name.
      </p>
      {change.isError && <ProblemNote error={change.error} />}
      <div className={css.dialogActs}>
        <Button variant="default" onClick={onClose}>
          Cancel
        </Button>
        <Button
          color="red"
          loading={change.isPending}
          onClick={() => change.mutate({ id: member.id, remove: true }, { onSuccess: onClose })}
        >
          Remove
        </Button>
      </div>
    </Dialog>
  );
}
