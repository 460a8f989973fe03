/** What was said, in order, with who said it, the passages it cites and the run behind it. */
import { Button } from '@mantine/core';
import { useCallback, useEffect, useLayoutEffect, useRef, useState, type ReactNode } from 'react';
import { Link, useSearchParams } from 'react-router-dom';
import * as icons from '../../icons';
import { safeAddress } from '../../widget/markdown';
import type { Citation, Conversation, Message, RunSummary } from '../api/types';
import { Icon } from '../parts/Icon';
import { Markdown } from '../parts/Markdown';
import { Face } from '../parts/parts';
import { costOf, dayOf, durationOf, fullTimeOf, plural, timeOf } from '../parts/words';
import css from './conversations.module.css';
import type { Draft } from './useDraft';

const groupGapMs = 5 * 60_000;
const earlierWithinPx = 200;

interface Props {
  conversation: Conversation;
  messages: Message[];
  readOlder: (() => unknown) | null;
  readingOlder: boolean;
  runs: RunSummary[] | undefined;
  draft: Draft | null;
  typing: boolean;
}

export function Transcript(props: Props) {
  const { conversation, messages, readOlder, readingOlder, runs, draft, typing } = props;
  const scroll = useRef<HTMLDivElement>(null);
  const pinned = useRef(true);
  const [below, setBelow] = useState(false);
  const first = messages[0];
  const last = messages[messages.length - 1];
  const fromEnd = useRef(0);

  const toEnd = useCallback(() => {
    const box = scroll.current;
    if (box) box.scrollTop = box.scrollHeight;
    setBelow(false);
  }, []);
  useLayoutEffect(() => {
    pinned.current = true;
    toEnd();
  }, [conversation.id, toEnd]);
  useLayoutEffect(() => {
    if (pinned.current) toEnd();
    else setBelow(true);
  }, [last?.seq, toEnd]);
  useLayoutEffect(() => {
    if (pinned.current) toEnd();
  }, [draft?.text, typing, toEnd]);
  // Earlier messages push nothing down that is being read.
  useLayoutEffect(() => {
    const box = scroll.current;
    if (box && !pinned.current) box.scrollTop = box.scrollHeight - fromEnd.current;
  }, [first?.seq]);
  useEffect(() => {
    const box = scroll.current;
    if (!box) return undefined;
    const observer = new ResizeObserver(() => pinned.current && toEnd());
    observer.observe(box);
    return () => observer.disconnect();
  }, [toEnd]);

  return (
    <div className={css.stage}>
      <div
        ref={scroll}
        className={css.transcript}
        tabIndex={0}
        role="region"
        aria-label="Transcript"
        onScroll={(event) => {
          const box = event.currentTarget;
          fromEnd.current = box.scrollHeight - box.scrollTop;
          pinned.current = fromEnd.current - box.clientHeight < 60;
          if (pinned.current) setBelow(false);
          else if (box.scrollTop < earlierWithinPx) readOlder?.();
        }}
      >
        <div className={css.column}>
          {readOlder && (
            <div className={css.earlier}>
              <Button
                size="compact-sm"
                variant="default"
                loading={readingOlder}
                onClick={readOlder}
              >
                Earlier messages
              </Button>
            </div>
          )}
          <div role="log" aria-live={readingOlder ? 'off' : 'polite'} aria-label="Messages">
            {messages.map((message, i) => (
              <Entry
                key={message.id}
                message={message}
                before={messages[i - 1]}
                conversation={conversation}
                run={runs?.find((run) => run.id === message.run_id)}
              />
            ))}
          </div>
          <div aria-live="off">
            {draft && (
              <Bubble tone="ai" name={conversation.agent.name} extra="is writing…" data-draft>
                <div className={css.writing}>
                  <Markdown text={draft.text} />
                </div>
              </Bubble>
            )}
            {typing && !draft && (
              <p className={css.typing}>
                {conversation.contact?.name ?? 'The visitor'} is writing…
              </p>
            )}
          </div>
        </div>
      </div>
      {below && (
        <button type="button" className={css.latest} onClick={toEnd}>
          <Icon path={icons.down} size={14} /> New messages
        </button>
      )}
    </div>
  );
}

function Entry({
  message,
  before,
  conversation,
  run,
}: {
  message: Message;
  before: Message | undefined;
  conversation: Conversation;
  run: RunSummary | undefined;
}) {
  const newDay = !before || dayOf(before.created_at) !== dayOf(message.created_at);
  const day = newDay && <div className={css.day}>{dayOf(message.created_at)}</div>;
  if (message.role === 'system')
    return (
      <>
        {day}
        <p className={css.system} data-seq={message.seq}>
          {message.text} <Clock ms={message.created_at} />
        </p>
      </>
    );
  const follows =
    !newDay &&
    before?.role === message.role &&
    before.author?.id === message.author?.id &&
    message.created_at - before.created_at < groupGapMs;
  const contact = conversation.contact?.name || 'Visitor';
  const who = {
    contact: { tone: 'contact', name: contact, extra: null },
    ai: { tone: 'ai', name: conversation.agent.name, extra: 'AI' },
    member: { tone: 'member', name: message.author?.name ?? 'Member', extra: null },
    note: { tone: 'note', name: message.author?.name ?? 'Note', extra: 'only the team sees this' },
  }[message.role] as { tone: Tone; name: string; extra: string | null };
  return (
    <>
      {day}
      <Bubble {...who} at={message.created_at} follows={follows} seq={message.seq}>
        <Said message={message} />
        {message.role === 'ai' && message.run_id && (
          <RunLine id={message.run_id} run={run} conversation={conversation.id} />
        )}
      </Bubble>
    </>
  );
}

type Tone = 'contact' | 'ai' | 'member' | 'note';

function Bubble(props: {
  tone: Tone;
  name: string;
  extra?: string | null;
  at?: number;
  follows?: boolean;
  seq?: number;
  children: ReactNode;
  'data-draft'?: boolean;
}) {
  const face = props.tone === 'ai' ? 'ai' : props.tone === 'contact' ? 'plain' : 'human';
  return (
    <article
      className={css.entry}
      data-tone={props.tone}
      data-follows={props.follows || undefined}
      data-seq={props.seq}
      data-draft={props['data-draft']}
      aria-label={`${props.name}${props.at ? `, ${timeOf(props.at)}` : ''}`}
    >
      <span className={css.entryFace}>
        {!props.follows && <Face name={props.name} tone={face} size={30} />}
      </span>
      <div className={css.entryBody}>
        {!props.follows && (
          <header>
            {props.tone === 'note' && <Icon path={icons.lock} size={13} />}
            <strong>{props.name}</strong>
            {props.extra && <em>{props.extra}</em>}
            {props.at && <Clock ms={props.at} />}
          </header>
        )}
        {props.children}
      </div>
    </article>
  );
}

function Clock({ ms }: { ms: number }) {
  return (
    <time dateTime={new Date(ms).toISOString()} title={fullTimeOf(ms)}>
      {timeOf(ms)}
    </time>
  );
}

function Said({ message }: { message: Message }) {
  const citations = message.citations ?? [];
  const [open, setOpen] = useState<number[]>([]);
  const toggle = (n: number) =>
    setOpen((now) => (now.includes(n) ? now.filter((x) => x !== n) : [...now, n]));
  return (
    <>
      <div className={css.said}>
        {message.role === 'contact' ? (
          <div className={css.verbatim} dir="auto">
            {message.text}
          </div>
        ) : citations.length ? (
          <Markdown text={message.text} onCitation={toggle} />
        ) : (
          <Markdown text={message.text} />
        )}
      </div>
      {citations.length > 0 && (
        <ul className={css.sources} aria-label="Sources">
          {citations.map((citation) => (
            <Source
              key={citation.n}
              citation={citation}
              open={open.includes(citation.n)}
              toggle={() => toggle(citation.n)}
            />
          ))}
        </ul>
      )}
    </>
  );
}

function Source({
  citation,
  open,
  toggle,
}: {
  citation: Citation;
  open: boolean;
  toggle: () => void;
}) {
  const address = citation.url ? safeAddress(citation.url) : null;
  return (
    <li>
      <button type="button" aria-expanded={open} onClick={toggle}>
        <b>{citation.n}</b>
        {citation.title}
      </button>
      {open && (
        <blockquote>
          {citation.quote}
          {address && (
            <a href={address} target="_blank" rel="noopener noreferrer">
              Open the article <Icon path={icons.external} size={13} />
            </a>
          )}
        </blockquote>
      )}
    </li>
  );
}

function RunLine({
  id,
  run,
  conversation,
}: {
  id: string;
  run: RunSummary | undefined;
  conversation: string;
}) {
  const [params] = useSearchParams();
  return (
    <Link
      className={css.runLine}
      to={{ pathname: `/conversations/${conversation}/runs/${id}`, search: params.toString() }}
    >
      <Icon path={icons.branch} size={13} />
      {run
        ? `Run of ${plural(run.step_count, 'step')}, ${durationOf(run.duration_ms)}${run.cost_microcents ? `, ${costOf(run.cost_microcents)}` : ''}`
        : 'Show the run'}
    </Link>
  );
}
