/** Removing an account takes its name, typed: nothing of it can be brought back. */
import { Button, TextInput } from '@mantine/core';
import { useState } from 'react';
import { useAccountRemove } from '../api/accountChanges';
import type { AccountHead } from '../api/accounts';
import { Dialog } from '../parts/Dialog';
import { ProblemNote } from '../parts/parts';
import css from './form.module.css';

interface Props {
  account: AccountHead;
  onClose: () => void;
  onRemoved: () => void;
}

export function RemoveAccount({ account, onClose, onRemoved }: Props) {
  const [typed, setTyped] = useState('');
  const remove = useAccountRemove(account);
  const sure = typed.trim() === account.name.trim();
  return (
    <Dialog onClose={onClose} title={`Delete ${account.name}?`} size="md">
      <form
        className={css.form}
        onSubmit={(event) => {
          event.preventDefault();
          if (sure && !remove.isPending) remove.mutate(undefined, { onSuccess: onRemoved });
        }}
      >
        <p className={css.text}>
          Its facts, scores, notes, tickets, briefs and every other record of it go, and its
          contacts, except those who talked with us. This cannot be undone.
        </p>
        <TextInput
          label={
            <>
              Type <b>{account.name}</b> to confirm
            </>
          }
          autoComplete="off"
          value={typed}
          onChange={(event) => setTyped(event.currentTarget.value)}
          data-autofocus
        />
        {remove.isError && <ProblemNote error={remove.error} />}
        <div className={css.acts}>
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" color="red" disabled={!sure} loading={remove.isPending}>
            Delete
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
