/** The people of the org: who they are and what they may do. */
import { Button, MultiSelect, PasswordInput, Table, TextInput } from '@mantine/core';
import { useState } from 'react';
import * as icons from '../../icons';
import { useMemberChange, useMembers } from '../api/queries';
import type { Member } from '../api/types';
import { AskFirst, FormDialog } from '../parts/dialogs';
import { Icon } from '../parts/Icon';
import { ListTable, RowActs } from '../parts/ListTable';
import { Empty, Face, ProblemNote, Tag } from '../parts/parts';
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
      <ListTable
        list={members}
        head={['Name', 'Roles', { label: 'Since', className: parts.extra ?? '' }]}
        acts={may('members')}
        bones={{ columns: 4, rows: 6 }}
        empty={<Empty icon={icons.people} title="No members" />}
        row={(member) => (
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
              <RowActs
                name={member.name}
                acts={[
                  { label: 'Change roles…', onClick: () => setEditing(member) },
                  {
                    label: 'Remove…',
                    red: true,
                    disabled: member.id === me.id,
                    onClick: () => setRemoving(member),
                  },
                ]}
              />
            )}
          </Table.Tr>
        )}
      />
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
  const told = name.trim() !== '' && email.trim() !== '' && password.length >= shortestPassword;
  const ready = chosen.length > 0 && (member !== null || told);
  return (
    <FormDialog
      title={member ? `Roles of ${member.name}` : 'Add a member'}
      verb={member ? 'Save' : 'Add'}
      change={change}
      ready={ready}
      onClose={onClose}
      onSubmit={() => {
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
    </FormDialog>
  );
}

function RemoveDialog({ member, onClose }: { member: Member; onClose: () => void }) {
  const change = useMemberChange();
  return (
    <AskFirst
      title={`Remove ${member.name}?`}
      verb="Remove"
      red
      change={change}
      onClose={onClose}
      onSure={() => change.mutate({ id: member.id, remove: true }, { onSuccess: onClose })}
    >
      They are signed out everywhere. What they wrote and did stays, under their name.
    </AskFirst>
  );
}
