/** What people noted about an account. */
import { ActionIcon, Button, Textarea } from '@mantine/core';
import { useState } from 'react';
import * as icons from '../../icons';
import { useNoteChange, type Note } from '../api/accounts';
import { Icon } from '../parts/Icon';
import { Ago, ProblemNote } from '../parts/parts';
import { nameOf } from '../parts/words';
import page from './account.module.css';

const longestNote = 5000;

export function Notes({ account, notes }: { account: string; notes: Note[] }) {
  const [text, setText] = useState('');
  const change = useNoteChange(account);
  const add = () => {
    const note = text.trim();
    if (note && !change.isPending) change.mutate({ add: note }, { onSuccess: () => setText('') });
  };
  return (
    <>
      <form
        className={page.noteForm}
        onSubmit={(event) => {
          event.preventDefault();
          add();
        }}
      >
        <Textarea
          aria-label="New note"
          placeholder="Add a note"
          autosize
          minRows={1}
          maxRows={8}
          maxLength={longestNote}
          value={text}
          onChange={(event) => setText(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) add();
          }}
        />
        {text.trim() && (
          <Button type="submit" size="xs" loading={change.isPending}>
            Add
          </Button>
        )}
      </form>
      {change.isError && <ProblemNote error={change.error} />}
      <ul className={page.notes}>
        {notes.map((note) => (
          <li key={note.id}>
            <p>{note.text}</p>
            <span className={page.quiet}>
              {note.author && `${nameOf(note.author)} · `}
              <Ago ms={note.created_at} />
            </span>
            <ActionIcon
              size={24}
              aria-label="Delete this note"
              disabled={change.isPending}
              onClick={() => change.mutate({ remove: note.id })}
            >
              <Icon path={icons.trash} size={14} />
            </ActionIcon>
          </li>
        ))}
      </ul>
    </>
  );
}
