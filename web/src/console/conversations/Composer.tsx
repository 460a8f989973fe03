/** Where a member answers: to the contact when a person owns the conversation, else to the agent. */
import { Button, Textarea } from '@mantine/core';
import { useEffect, useState, type KeyboardEvent, type RefObject } from 'react';
import * as icons from '../../icons';
import { useConversationAct } from '../api/queries';
import { Problem } from '../api/http';
import { useLiveLine } from '../api/live';
import type { Conversation } from '../api/types';
import { Icon } from '../parts/Icon';
import { Ago } from '../parts/parts';
import { useSession } from '../shell/session';
import css from './conversations.module.css';
import { reasonOf } from '../parts/words';
import { isEnded, isHuman, isWaiting } from './marks';

type Mode = 'reply' | 'guidance';
const typingEveryMs = 3_000;
const textLimit = 8000;

interface Props {
  conversation: Conversation;
  input: RefObject<HTMLTextAreaElement>;
  takeOver: () => void;
  busy: boolean;
}

export function Composer({ conversation, input, takeOver, busy }: Props) {
  const { member, may } = useSession();
  const human = isHuman(conversation);
  const mine = human && (!conversation.assignee || conversation.assignee.id === member.id);
  const [mode, setMode] = useState<Mode>(human ? 'reply' : 'guidance');
  const [text, setText] = useKept(conversation.id);
  const act = useConversationAct(conversation.id);
  const line = useLiveLine();
  const [told, setTold] = useState(0);
  const agent = conversation.agent.name;

  useEffect(() => setMode(human ? 'reply' : 'guidance'), [human, conversation.id]);

  if (isEnded(conversation))
    return (
      <div className={css.closedNote}>
        This conversation is closed. When {conversation.contact?.name ?? 'the visitor'} writes
        again, a new one begins.
      </div>
    );

  if (!may('serve'))
    return (
      <div className={css.closedNote}>Your role lets you read conversations, not answer them.</div>
    );

  const canSend = text.trim() !== '' && (mode === 'guidance' || mine);
  function send() {
    if (!canSend || act.isPending) return;
    const body = { text: text.trim() };
    act.mutate(
      { act: mode === 'reply' ? 'messages' : 'guidance', body },
      { onSuccess: () => setText('') },
    );
  }
  function onKey(event: KeyboardEvent<HTMLTextAreaElement>) {
    if (event.key === 'Escape') event.currentTarget.blur();
    if (event.key !== 'Enter' || event.shiftKey || event.nativeEvent.isComposing) return;
    event.preventDefault();
    send();
  }
  function onText(value: string) {
    setText(value);
    if (mode === 'reply' && Date.now() - told > typingEveryMs) {
      setTold(Date.now());
      line.push({ type: 'typing', conversation_id: conversation.id });
    }
  }

  const waiting = isWaiting(conversation) ? waitingFor(conversation) : null;
  const contact = conversation.contact?.name ?? 'the visitor';
  const owner = mine
    ? null
    : human
      ? `${conversation.assignee?.name ?? 'A colleague'} answers here`
      : (waiting ?? `${agent} answers here`);
  return (
    <div className={css.composer} data-mode={mode}>
      {owner && (
        <div className={css.ownerLine} data-tone={human || waiting ? 'human' : 'ai'}>
          <span>
            <Icon path={human ? icons.person : waiting ? icons.hand : icons.spark} size={16} />{' '}
            <span>
              {owner}
              {waiting && conversation.escalation && (
                <>
                  {' · '}
                  <Ago ms={conversation.escalation.created_at} />
                </>
              )}
            </span>
          </span>
          <Button
            size="xs"
            className={human ? '' : (css.narrowOnly ?? '')}
            onClick={takeOver}
            loading={busy}
            leftSection={<Icon path={icons.hand} size={15} />}
          >
            Take over
          </Button>
        </div>
      )}
      {mine && (
        <div className={css.modes} role="group" aria-label="Write">
          <button type="button" aria-pressed={mode === 'reply'} onClick={() => setMode('reply')}>
            Reply
          </button>
          <button
            type="button"
            aria-pressed={mode === 'guidance'}
            onClick={() => setMode('guidance')}
          >
            Guidance for {agent}
          </button>
        </div>
      )}
      {act.isError && (
        <p className={css.sendProblem} role="alert">
          {act.error instanceof Problem ? act.error.detail : 'This was not sent.'}
        </p>
      )}
      <div className={css.composeBox}>
        <Textarea
          ref={input}
          autosize
          minRows={1}
          maxRows={8}
          maxLength={textLimit}
          variant="unstyled"
          aria-label={mode === 'reply' ? `Reply to ${contact}` : `Guidance for ${agent}`}
          aria-describedby={mode === 'guidance' ? 'guidance-hint' : undefined}
          placeholder={mode === 'reply' ? 'Write a reply…' : `Guidance for ${agent}…`}
          value={text}
          onChange={(event) => onText(event.currentTarget.value)}
          onKeyDown={onKey}
        />
        <Button size="xs" onClick={send} loading={act.isPending} disabled={!canSend}>
          {mode === 'reply' ? 'Send' : 'Give guidance'}
        </Button>
      </div>
      {mode === 'guidance' && (
        <p id="guidance-hint" className={css.hint}>
          {agent} follows it in its next answers. {contact} does not see it.
        </p>
      )}
    </div>
  );
}

function waitingFor(conversation: Conversation): string {
  const reason = conversation.escalation?.reason ?? 'user_requested';
  if (reason === 'user_requested')
    return `${conversation.contact?.name ?? 'The visitor'} asked for a person`;
  return `Waiting for a person: ${reasonOf(reason).toLowerCase()}`;
}

/** Half-written text stays with its conversation while one looks at another. */
const kept = new Map<string, string>();
function useKept(id: string): [string, (text: string) => void] {
  const [text, setText] = useState(kept.get(id) ?? '');
  useEffect(() => setText(kept.get(id) ?? ''), [id]);
  return [
    text,
    (value) => {
      kept.set(id, value);
      setText(value);
    },
  ];
}
