/** The list of conversations on the left, what is chosen from it on the right. */
import { Modal, Skeleton, TextInput } from '@mantine/core';
import { useDebouncedValue, useHotkeys } from '@mantine/hooks';
import { useEffect, useMemo, useRef, useState } from 'react';
import { Link, Outlet, useNavigate, useParams, useSearchParams } from 'react-router-dom';
import * as icons from '../../icons';
import { useConversations, useWaitingCount, type ConversationFilter } from '../api/queries';
import type { Conversation } from '../api/types';
import { Icon } from '../parts/Icon';
import { Ago, Empty, Face, More, ProblemNote, useTitle } from '../parts/parts';
import { plural } from '../parts/words';
import { useSession } from '../shell/session';
import css from './conversations.module.css';
import { Mood, OwnerTag, PriorityTag } from './marks';
import { useSeen } from './seen';

interface View {
  name: string;
  label: string;
  filter: ConversationFilter;
  mine?: boolean;
  empty: string;
}

const views: View[] = [
  {
    name: 'all',
    label: 'All',
    filter: {},
    empty: 'As soon as somebody writes, the conversation appears here.',
  },
  {
    name: 'waiting',
    label: 'Waiting',
    filter: { status: 'escalated' },
    empty: 'Nobody is waiting for a person.',
  },
  {
    name: 'mine',
    label: 'Mine',
    filter: { owner: 'human' },
    mine: true,
    empty: 'Take a conversation over and it appears here.',
  },
  {
    name: 'ai',
    label: 'AI',
    filter: { owner: 'ai', status: 'active' },
    empty: 'The agent is not talking to anybody right now.',
  },
  {
    name: 'closed',
    label: 'Closed',
    filter: { status: 'completed' },
    empty: 'Closed conversations are kept here.',
  },
];

export function ConversationsPage() {
  const { id } = useParams();
  return (
    <div className={css.layout} data-open={id ? true : undefined}>
      <ConversationList chosen={id ?? null} />
      <div className={css.detail}>
        <Outlet />
      </div>
    </div>
  );
}

function ConversationList({ chosen }: { chosen: string | null }) {
  useTitle('Conversations');
  const [params, setParams] = useSearchParams();
  const view = views.find((v) => v.name === params.get('view')) ?? (views[0] as View);
  const [text, setText] = useState(params.get('q') ?? '');
  const [q] = useDebouncedValue(text.trim(), 250);
  const [help, setHelp] = useState(false);
  const { member } = useSession();
  const waiting = useWaitingCount();
  const list = useConversations({ ...view.filter, q: q || undefined });
  const items = useMemo(
    () => list.items?.filter((item) => !view.mine || item.assignee?.id === member.id),
    [list.items, view.mine, member.id],
  );
  const search = useRef<HTMLInputElement>(null);
  const navigate = useNavigate();
  const suffix = params.toString() ? `?${params.toString()}` : '';

  useEffect(() => {
    setParams(
      (now) => {
        const next = new URLSearchParams(now);
        if (q) next.set('q', q);
        else next.delete('q');
        return next;
      },
      { replace: true },
    );
  }, [q, setParams]);

  // Quick presses may come before the page has followed the one before.
  const at = useRef(chosen);
  useEffect(() => {
    at.current = chosen;
  }, [chosen]);
  const step = (by: number) => {
    if (!items?.length) return;
    const index = items.findIndex((item) => item.id === at.current);
    const next = items[Math.max(0, Math.min(items.length - 1, index < 0 ? 0 : index + by))];
    if (!next) return;
    at.current = next.id;
    navigate(`/conversations/${next.id}${suffix}`);
  };
  useHotkeys([
    ['j', () => step(1)],
    ['k', () => step(-1)],
    ['/', () => search.current?.focus()],
    ['shift+?', () => setHelp(true)],
    ['shift+/', () => setHelp(true)],
  ]);

  return (
    <section className={css.list} aria-label="Conversations">
      <div className={css.listHead}>
        <div className={css.listTitle}>
          <h1>Conversations</h1>
          <button
            type="button"
            className={css.keys}
            onClick={() => setHelp(true)}
            aria-label="Keyboard shortcuts"
          >
            ?
          </button>
        </div>
        <TextInput
          ref={search}
          size="xs"
          placeholder="Search names and messages"
          aria-label="Search conversations"
          leftSection={<Icon path={icons.search} size={15} />}
          value={text}
          onChange={(event) => setText(event.currentTarget.value)}
          onKeyDown={(event) => event.key === 'Escape' && event.currentTarget.blur()}
        />
        <div className={css.views} role="group" aria-label="Show">
          {views.map((v) => (
            <button
              key={v.name}
              type="button"
              aria-pressed={v === view}
              onClick={() =>
                setParams((now) => {
                  const next = new URLSearchParams(now);
                  if (v.name === 'all') next.delete('view');
                  else next.set('view', v.name);
                  return next;
                })
              }
            >
              {v.label}
              {v.name === 'waiting' && waiting > 0 && <b>{waiting}</b>}
            </button>
          ))}
        </div>
      </div>
      <div className={css.rows}>
        {list.isError && <ProblemNote error={list.error} retry={() => void list.refetch()} />}
        {list.isPending && <RowBones />}
        {items?.length === 0 && (
          <Empty icon={q ? icons.search : icons.inbox} title={q ? 'Nothing found' : 'Nothing here'}>
            {q ? `No conversation holds “${q}”.` : view.empty}
          </Empty>
        )}
        {items && items.length > 0 && (
          <ul aria-label={plural(items.length, 'conversation')}>
            {items.map((item) => (
              <Row key={item.id} item={item} chosen={item.id === chosen} suffix={suffix} />
            ))}
          </ul>
        )}
        <More
          has={list.hasNextPage}
          busy={list.isFetchingNextPage}
          load={() => void list.fetchNextPage()}
        />
      </div>
      <Shortcuts opened={help} onClose={() => setHelp(false)} />
    </section>
  );
}

function Row({ item, chosen, suffix }: { item: Conversation; chosen: boolean; suffix: string }) {
  const seen = useSeen()(item);
  const link = useRef<HTMLAnchorElement>(null);
  useEffect(() => {
    if (chosen) link.current?.scrollIntoView({ block: 'nearest' });
  }, [chosen]);
  const name = item.contact?.name || 'Visitor';
  const last = item.last_message;
  const speaker =
    last?.role === 'ai' ? `${item.agent.name}: ` : last?.role === 'member' ? 'Team: ' : '';
  return (
    <li>
      <Link
        ref={link}
        to={`/conversations/${item.id}${suffix}`}
        className={css.row}
        aria-current={chosen ? 'true' : undefined}
        data-unread={!seen || undefined}
        data-conversation={item.id}
      >
        <Face name={name} size={34} />
        <span className={css.rowText}>
          <span className={css.rowTop}>
            <strong>{name}</strong>
            {!seen && <span className={css.unread} aria-label="New messages" />}
            <Ago ms={last?.created_at ?? item.updated_at} short />
          </span>
          <span className={css.snippet}>
            {last ? (
              <>
                <span className={css.speaker}>{speaker}</span>
                {last.text.replace(/\*\*|`|\[\d+\]/g, '')}
              </>
            ) : (
              'No message yet'
            )}
          </span>
          <span className={css.rowTags}>
            <OwnerTag conversation={item} />
            <PriorityTag conversation={item} />
            {item.escalation?.reason !== 'negative_sentiment' && (
              <Mood sentiment={item.sentiment} quiet />
            )}
          </span>
        </span>
      </Link>
    </li>
  );
}

/** The list before it is read: the same rows, grey. */
function RowBones() {
  return (
    <div role="status" aria-busy="true" aria-label="Loading">
      {Array.from({ length: 8 }, (_, i) => (
        <div key={i} className={css.row}>
          <Skeleton circle height={34} />
          <span className={css.rowText}>
            <Skeleton height={13} width={`${[46, 38, 52, 42][i % 4]}%`} mt={3} />
            <Skeleton height={11} width={`${[88, 74, 92, 66][i % 4]}%`} mt={5} />
            <Skeleton height={16} width={72} mt={6} />
          </span>
        </div>
      ))}
    </div>
  );
}

const shortcuts: [string, string][] = [
  ['j', 'Next conversation'],
  ['k', 'Previous conversation'],
  ['/', 'Search'],
  ['t', 'Take over'],
  ['r', 'Write a reply'],
  ['i', 'Show or hide the side panel'],
  ['?', 'This list'],
];

function Shortcuts({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  return (
    <Modal opened={opened} onClose={onClose} title="Keyboard shortcuts" size="sm">
      <dl className={css.shortcuts}>
        {shortcuts.map(([key, meaning]) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{meaning}</dd>
          </div>
        ))}
      </dl>
    </Modal>
  );
}
