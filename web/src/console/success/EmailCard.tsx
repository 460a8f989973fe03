/** A draft to send by hand: in a tone and language, edited in place, copied whole or in parts. */
import { Button, CopyButton, Menu, Select, Textarea, TextInput } from '@mantine/core';
import { useState } from 'react';
import * as icons from '../../icons';
import { useEmailChange, type EmailDraft } from '../api/briefs';
import { complain } from '../conversations/ConversationView';
import { Icon } from '../parts/Icon';
import { keepFile } from '../parts/keep';
import { ProblemNote } from '../parts/parts';
import { languageOf, writtenLanguages } from '../parts/words';
import css from './success.module.css';

const tones = [
  { value: 'friendly', label: 'Friendly' },
  { value: 'formal', label: 'Formal' },
  { value: 'concise', label: 'Concise' },
];
const longestWish = 500;
const unfollowed = new Set(['instruction_not_followed', 'number_rejected']);
const languages = writtenLanguages.map((value) => ({ value, label: languageOf(value) }));

interface Props {
  briefId: string | null;
  draft: EmailDraft;
  onDraft: (draft: EmailDraft) => void;
}

export function EmailCard({ briefId, draft, onDraft }: Props) {
  const [editing, setEditing] = useState<{ subject: string; body: string } | null>(null);
  const [wish, setWish] = useState('');
  const [refused, setRefused] = useState<string[]>([]);
  const change = useEmailChange(briefId ?? '');
  const busy = change.isPending;
  const write = (other: Partial<{ tone: string; language: string; instruction: string }>) => {
    setEditing(null);
    setRefused([]);
    change.mutate(
      { write: { tone: draft.tone, language: draft.language, ...other } },
      {
        onSuccess: ({ notes, ...next }) => {
          onDraft({ ...draft, ...next });
          const kept = other.instruction ? (notes ?? []) : [];
          const why = kept.filter((note) => unfollowed.has(note.code)).map((note) => note.text);
          setRefused(why);
          if (why.length === 0) setWish('');
        },
      },
    );
  };
  const save = () => {
    if (editing)
      change.mutate(
        { edit: editing },
        {
          onSuccess: () => {
            onDraft({ ...draft, ...editing });
            setEditing(null);
          },
        },
      );
  };
  return (
    <section className={css.card} aria-label="E-mail draft">
      <div className={css.cardHead}>
        <h3>
          <Icon path={icons.mail} size={16} />
          E-mail draft
        </h3>
        {briefId && (
          <div className={css.cardActs}>
            <Select
              size="xs"
              w={104}
              aria-label="Tone"
              data={tones}
              value={draft.tone}
              disabled={busy}
              onChange={(tone) => tone && write({ tone })}
            />
            <Select
              size="xs"
              w={104}
              aria-label="Language"
              data={languages}
              value={draft.language}
              disabled={busy}
              onChange={(language) => language && write({ language })}
            />
          </div>
        )}
      </div>
      {change.isError && <ProblemNote error={change.error} />}
      {editing ? (
        <form
          className={css.edit}
          onSubmit={(event) => {
            event.preventDefault();
            save();
          }}
        >
          <TextInput
            label="Subject"
            value={editing.subject}
            onChange={(event) => setEditing({ ...editing, subject: event.currentTarget.value })}
            data-autofocus
          />
          <Textarea
            label="Text"
            autosize
            minRows={8}
            value={editing.body}
            onChange={(event) => setEditing({ ...editing, body: event.currentTarget.value })}
          />
          <div className={css.cardActs}>
            <Button
              size="xs"
              type="submit"
              loading={busy}
              disabled={!editing.body.trim() || !editing.subject.trim()}
            >
              Save
            </Button>
            <Button size="xs" variant="default" onClick={() => setEditing(null)}>
              Cancel
            </Button>
          </div>
        </form>
      ) : (
        <>
          <div className={css.letter} aria-busy={busy}>
            <p className={css.subject}>{draft.subject}</p>
            <p>{draft.body}</p>
          </div>
          <div className={css.cardActs}>
            <CopyMenu draft={draft} />
            {briefId && (
              <>
                <Button
                  size="xs"
                  variant="default"
                  disabled={busy}
                  onClick={() => setEditing({ subject: draft.subject, body: draft.body })}
                >
                  Edit
                </Button>
                <Button
                  size="xs"
                  variant="default"
                  disabled={busy}
                  leftSection={<Icon path={icons.download} size={14} />}
                  onClick={() =>
                    keepFile(`/briefs/${briefId}/export`, { format: 'eml' }, 'draft.eml').catch(
                      (error: unknown) => complain('The draft could not be saved', error),
                    )
                  }
                >
                  For a mail program
                </Button>
                <Button size="xs" variant="default" loading={busy} onClick={() => write({})}>
                  Write it anew
                </Button>
              </>
            )}
          </div>
          {briefId && (
            <form
              className={css.wish}
              onSubmit={(event) => {
                event.preventDefault();
                if (wish.trim() && !busy) write({ instruction: wish.trim() });
              }}
            >
              <TextInput
                size="xs"
                aria-label="What should be different"
                placeholder="What should be different? Shorter, mention the training…"
                maxLength={longestWish}
                value={wish}
                onChange={(event) => setWish(event.currentTarget.value)}
                error={refused.length > 0 && refused.join(' ')}
              />
              <Button
                size="xs"
                type="submit"
                variant="default"
                loading={busy}
                disabled={!wish.trim()}
              >
                Rewrite
              </Button>
            </form>
          )}
        </>
      )}
    </section>
  );
}

function CopyMenu({ draft }: { draft: EmailDraft }) {
  const parts = [
    { label: 'Copy subject', value: draft.subject },
    { label: 'Copy text', value: draft.body },
  ];
  return (
    <Button.Group>
      <CopyButton value={`${draft.subject}\n\n${draft.body}`}>
        {({ copied, copy }) => (
          <Button
            size="xs"
            variant="default"
            leftSection={<Icon path={copied ? icons.check : icons.copy} size={14} />}
            onClick={copy}
          >
            {copied ? 'Copied' : 'Copy all'}
          </Button>
        )}
      </CopyButton>
      <Menu position="bottom-end">
        <Menu.Target>
          <Button size="xs" variant="default" px={6} aria-label="Copy a part">
            <Icon path={icons.chevronDown} size={14} />
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          {parts.map((part) => (
            <CopyButton key={part.label} value={part.value}>
              {({ copy }) => <Menu.Item onClick={copy}>{part.label}</Menu.Item>}
            </CopyButton>
          ))}
        </Menu.Dropdown>
      </Menu>
    </Button.Group>
  );
}
