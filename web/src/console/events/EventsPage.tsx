/** The event log as it grows, what consumers could not handle, and the jobs. */
import { Button, Select, Switch, Table, Tabs } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useEffect, useMemo, useRef, useState } from 'react';
import { useNavigate, useParams } from 'react-router-dom';
import * as icons from '../../icons';
import { useDeadLetters, useJobs, usePastEvents, useReplay, useTopics } from '../api/queries';
import { readStream } from '../api/stream';
import type { EventDocument } from '../api/types';
import { complain } from '../conversations/ConversationView';
import { Icon } from '../parts/Icon';
import { Json } from '../parts/Json';
import { ListTable } from '../parts/ListTable';
import { Ago, Empty, More, PageFrame, ProblemNote, TableBones } from '../parts/parts';
import parts from '../parts/parts.module.css';
import { exactTimeOf, fullTimeOf, plain } from '../parts/words';
import { columnsOf, FieldValue, labelOf } from '../records/fields';
import { useSession } from '../shell/session';
import css from './events.module.css';

export default function EventsPage() {
  const { tab = 'log' } = useParams();
  const navigate = useNavigate();
  const { may } = useSession();
  return (
    <PageFrame
      title="Events"
      note="Every fact that happened, in order, as other systems may consume it."
    >
      <Tabs
        value={tab}
        onChange={(value) => navigate(value === 'log' ? '/events' : `/events/${value}`)}
      >
        <Tabs.List mb="md">
          <Tabs.Tab value="log">Log</Tabs.Tab>
          {may('operate') && <Tabs.Tab value="dead-letters">Dead letters</Tabs.Tab>}
          {may('operate') && <Tabs.Tab value="jobs">Jobs</Tabs.Tab>}
        </Tabs.List>
        <Tabs.Panel value="log">
          <Log />
        </Tabs.Panel>
        <Tabs.Panel value="dead-letters">
          <DeadLetters />
        </Tabs.Panel>
        <Tabs.Panel value="jobs">
          <Jobs />
        </Tabs.Panel>
      </Tabs>
    </PageFrame>
  );
}

const keptEvents = 500;

/** New events from the stream; while paused they are counted, not shown. */
function useTail(
  topic: string,
  paused: boolean,
): { events: EventDocument[]; held: number; error: unknown } {
  const [events, setEvents] = useState<EventDocument[]>([]);
  const [held, setHeld] = useState(0);
  const [error, setError] = useState<unknown>(null);
  const pausedNow = useRef(paused);
  const waiting = useRef<EventDocument[]>([]);

  useEffect(() => {
    pausedNow.current = paused;
    if (paused) return;
    const taken = waiting.current;
    waiting.current = [];
    setHeld(0);
    if (taken.length) setEvents((now) => [...taken, ...now].slice(0, keptEvents));
  }, [paused]);

  useEffect(() => {
    const abort = new AbortController();
    let timer = 0;
    setEvents([]);
    waiting.current = [];
    const read = (pauseMs: number) => {
      readStream(
        { path: '/events/tail', query: { topic: topic || undefined } },
        abort.signal,
        ({ data }) => {
          setError(null);
          const event = data as EventDocument;
          if (!event || typeof event.topic !== 'string') return;
          if (pausedNow.current) {
            waiting.current = [event, ...waiting.current].slice(0, keptEvents);
            setHeld(waiting.current.length);
          } else setEvents((now) => [event, ...now].slice(0, keptEvents));
        },
      )
        .catch((problem: unknown) => {
          if (!abort.signal.aborted) setError(problem);
        })
        .finally(() => {
          if (!abort.signal.aborted)
            timer = window.setTimeout(() => read(Math.min(pauseMs * 2, 20_000)), pauseMs);
        });
    };
    read(1_000);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [topic]);
  return { events, held, error };
}

function Log() {
  const [topic, setTopic] = useState('');
  const [paused, setPaused] = useState(false);
  const topics = useTopics();
  const past = usePastEvents(topic);
  const tail = useTail(topic, paused);
  const [open, setOpen] = useState<string | null>(null);
  const rows = useMemo(() => {
    const seen = new Set<string>();
    return [...tail.events, ...(past.data ?? [])]
      .filter((event) => {
        const key = keyOf(event);
        if ((topic && event.topic !== topic) || seen.has(key)) return false;
        seen.add(key);
        return true;
      })
      .sort((a, b) => b.at - a.at || b.seq - a.seq);
  }, [tail.events, past.data, topic]);
  return (
    <>
      <div className={css.bar}>
        <Select
          aria-label="Topic"
          size="xs"
          w={240}
          searchable
          value={topic}
          onChange={(value) => setTopic(value ?? '')}
          data={[
            { value: '', label: 'All topics' },
            ...(topics.data ?? []).map((t) => ({ value: t.name, label: t.name })),
          ]}
        />
        <Switch
          size="sm"
          label={tail.held ? `Paused, ${tail.held} new` : 'Pause'}
          checked={paused}
          onChange={(event) => setPaused(event.currentTarget.checked)}
        />
        {tail.error !== null && <span className={css.away}>The live tail is reconnecting…</span>}
      </div>
      {past.isError && <ProblemNote error={past.error} retry={() => void past.refetch()} />}
      <div className={parts.sheet}>
        {past.isPending && <TableBones columns={4} rows={10} />}
        {!past.isPending && rows.length === 0 && (
          <Empty icon={icons.pulse} title="No events yet">
            They appear here the moment something happens.
          </Empty>
        )}
        {rows.length > 0 && (
          <ul className={css.log}>
            {rows.map((event) => {
              const key = keyOf(event);
              return (
                <li key={key}>
                  <button
                    type="button"
                    aria-expanded={open === key}
                    onClick={() => setOpen(open === key ? null : key)}
                  >
                    <Icon path={open === key ? icons.chevronDown : icons.chevronRight} size={13} />
                    <time dateTime={new Date(event.at).toISOString()} title={fullTimeOf(event.at)}>
                      {exactTimeOf(event.at)}
                    </time>
                    <code>{event.topic}</code>
                    <strong>{event.event_type}</strong>
                    <span className={css.gist}>{gistOf(event.payload)}</span>
                  </button>
                  {open === key && <Json value={event} label={event.event_type} />}
                </li>
              );
            })}
          </ul>
        )}
      </div>
    </>
  );
}

const keyOf = (event: EventDocument) => String(event.seq);

function gistOf(payload: unknown): string {
  if (typeof payload !== 'object' || payload === null) return '';
  // Ids come last: they say least to a reader.
  const isId = ([name]: [string, unknown]) => (/_id$/.test(name) ? 1 : 0);
  return Object.entries(payload)
    .filter(([, value]) => typeof value !== 'object')
    .sort((a, b) => isId(a) - isId(b))
    .slice(0, 4)
    .map(([name, value]) => `${name} ${String(value).slice(0, 36)}`)
    .join(' · ');
}

function DeadLetters() {
  const dead = useDeadLetters();
  const replay = useReplay();
  const [open, setOpen] = useState<string | null>(null);
  if (dead.isError) return <ProblemNote error={dead.error} retry={() => void dead.refetch()} />;
  return (
    <div className={parts.sheet}>
      {dead.isPending && <TableBones columns={4} rows={3} />}
      {dead.items?.length === 0 && (
        <Empty icon={icons.check} title="No dead letters">
          An event that a consumer cannot handle after several attempts waits here to be replayed.
        </Empty>
      )}
      {dead.items?.map((letter) => (
        <article key={letter.id} className={css.letter}>
          <div>
            <p>
              <strong>{letter.event_type}</strong> <code>{letter.topic}</code>
            </p>
            <p className={css.error}>{letter.error ?? 'The consumer did not say why.'}</p>
            <p className={css.small}>
              {[letter.consumer, letter.attempts && `${letter.attempts} attempts`]
                .filter(Boolean)
                .join(' · ')}
              {letter.failed_at ? (
                <>
                  {' '}
                  · <Ago ms={letter.failed_at} />
                </>
              ) : null}
              {letter.replayed_at ? ' · replayed' : null}
            </p>
          </div>
          <div className={parts.actions}>
            {letter.payload !== undefined && (
              <Button
                size="xs"
                variant="default"
                aria-expanded={open === letter.id}
                onClick={() => setOpen(open === letter.id ? null : letter.id)}
              >
                Payload
              </Button>
            )}
            <Button
              size="xs"
              loading={replay.isPending && replay.variables === letter.id}
              onClick={() =>
                replay.mutate(letter.id, {
                  onSuccess: () =>
                    notifications.show({
                      title: 'Replayed',
                      message: `${letter.event_type} was handed to its consumer again.`,
                    }),
                  onError: (error) => complain('It was not replayed', error),
                })
              }
            >
              Replay
            </Button>
          </div>
          {open === letter.id && (
            <div className={css.whole}>
              <Json value={letter.payload} label="payload" />
            </div>
          )}
        </article>
      ))}
      <More
        has={dead.hasNextPage}
        busy={dead.isFetchingNextPage}
        load={() => void dead.fetchNextPage()}
      />
    </div>
  );
}

const columnsWhenNarrow = 3;

function Jobs() {
  const jobs = useJobs();
  const columns = columnsOf(jobs.items ?? [], [
    'kind',
    'status',
    'state',
    'run_at',
    'attempts',
    'error',
  ]);
  const cellClass = (at: number) => (at >= columnsWhenNarrow ? (parts.extra ?? '') : '');
  if (jobs.isError) return <ProblemNote error={jobs.error} retry={() => void jobs.refetch()} />;
  return (
    <ListTable
      list={jobs}
      head={columns.map((column, i) => ({ label: labelOf(column), className: cellClass(i) }))}
      bones={{ columns: 4, rows: 6 }}
      empty={
        <Empty icon={icons.clock} title="No jobs">
          Scheduled and long work appears here while it waits or runs.
        </Empty>
      }
      row={(job) => (
        <Table.Tr key={job.id}>
          {columns.map((column, i) => (
            <Table.Td key={column} className={cellClass(i)}>
              {column === 'kind' ? (
                plain(String(job[column]))
              ) : column === 'run_at' ? (
                fullTimeOf(Number(job[column]))
              ) : (
                <FieldValue name={column} value={job[column]} record={job} />
              )}
            </Table.Td>
          ))}
        </Table.Tr>
      )}
    />
  );
}
