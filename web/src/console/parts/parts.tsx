/** The small pieces every page is built of: states, tags, faces, times, fields. */
import { Button, Skeleton, Table } from '@mantine/core';
import { createContext, useContext, useEffect, useState, type ReactNode } from 'react';
import * as icons from '../../icons';
import { Problem } from '../api/http';
import { Icon } from './Icon';
import css from './parts.module.css';
import { agoOf, fullTimeOf, initialsOf, shortAgoOf } from './words';

/** What went wrong, as the server said it, with the id to ask about and a way to try again. */
export function ProblemNote({
  error,
  retry,
}: {
  error: unknown;
  retry?: (() => void) | undefined;
}) {
  const problem = error instanceof Problem ? error : null;
  const text =
    problem?.detail ?? (error instanceof Error ? error.message : 'Something went wrong.');
  return (
    <div className={css.problem} role="alert">
      <h3>{problem?.title && problem.title !== text ? problem.title : 'This did not work'}</h3>
      <p>{text}</p>
      {problem?.requestId && (
        <p className={css.request}>
          Request <code>{problem.requestId}</code>
        </p>
      )}
      {retry && (
        <Button size="xs" variant="default" onClick={retry}>
          Try again
        </Button>
      )}
    </div>
  );
}

export function Empty(props: {
  icon: string;
  title: string;
  children?: ReactNode;
  action?: ReactNode;
}) {
  return (
    <div className={css.empty}>
      <span className={css.emptyIcon}>
        <Icon path={props.icon} size={22} />
      </span>
      <h3>{props.title}</h3>
      {props.children && <p>{props.children}</p>}
      {props.action}
    </div>
  );
}

/** Grey lines in the shape of what is being read. */
export function Bones({ lines = 6, height = 16 }: { lines?: number; height?: number }) {
  return (
    <div
      aria-busy="true"
      aria-label="Loading"
      role="status"
      style={{ padding: 16, display: 'grid', gap: 14 }}
    >
      {Array.from({ length: lines }, (_, i) => (
        <Skeleton
          key={i}
          height={height}
          width={`${[92, 70, 84, 58, 76, 64][i % 6]}%`}
          radius="sm"
        />
      ))}
    </div>
  );
}

export function TableBones({ columns, rows = 6 }: { columns: number; rows?: number }) {
  return (
    <Table aria-busy="true">
      <Table.Tbody>
        {Array.from({ length: rows }, (_, r) => (
          <Table.Tr key={r}>
            {Array.from({ length: columns }, (_, c) => (
              <Table.Td key={c}>
                <Skeleton height={14} width={c === 0 ? '70%' : '45%'} radius="sm" />
              </Table.Td>
            ))}
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}

export type Tone = 'plain' | 'accent' | 'human' | 'bad' | 'good' | 'info';

export function Tag({
  tone = 'plain',
  icon,
  children,
  title,
}: {
  tone?: Tone;
  icon?: string;
  children: ReactNode;
  title?: string;
}) {
  return (
    <span className={css.tag} data-tone={tone} title={title}>
      {icon && <Icon path={icon} size={13} />}
      {children}
    </span>
  );
}

export function Face({
  name,
  tone = 'plain',
  size = 32,
}: {
  name: string;
  tone?: 'plain' | 'ai' | 'human';
  size?: number;
}) {
  return (
    <span
      className={css.face}
      data-tone={tone}
      aria-hidden="true"
      style={{ width: size, height: size, fontSize: Math.round(size * 0.38) }}
    >
      {tone === 'ai' ? (
        <Icon path={icons.spark} size={Math.round(size * 0.56)} />
      ) : (
        initialsOf(name)
      )}
    </span>
  );
}

const NowContext = createContext(Date.now());

/** One clock for all relative times of the page. */
export function NowProvider({ children }: { children: ReactNode }) {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 20_000);
    return () => clearInterval(timer);
  }, []);
  return <NowContext.Provider value={now}>{children}</NowContext.Provider>;
}

export function Ago({ ms, short = false }: { ms: number; short?: boolean }) {
  const now = Math.max(useContext(NowContext), Date.now());
  return (
    <time dateTime={new Date(ms).toISOString()} title={fullTimeOf(ms)}>
      {short ? shortAgoOf(ms, now) : agoOf(ms, now)}
    </time>
  );
}

export function Fields({ rows }: { rows: [string, ReactNode][] }) {
  return (
    <dl className={css.fields}>
      {rows
        .filter(
          ([, value]) => value !== null && value !== undefined && value !== '' && value !== false,
        )
        .map(([name, value]) => (
          <div key={name} style={{ display: 'contents' }}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
    </dl>
  );
}

export function PageFrame(props: {
  title: string;
  note?: ReactNode;
  actions?: ReactNode;
  children: ReactNode;
}) {
  useTitle(props.title);
  return (
    <div className={css.page}>
      <div className={css.pageHead}>
        <div>
          <h1>{props.title}</h1>
          {props.note && <p>{props.note}</p>}
        </div>
        {props.actions && <div className={css.actions}>{props.actions}</div>}
      </div>
      {props.children}
    </div>
  );
}

export function useTitle(title: string): void {
  useEffect(() => {
    document.title = `${title} · Rapport`;
  }, [title]);
}

/** The end of a list: reads the next page when it comes into view, or on a press. */
export function More({ has, busy, load }: { has: boolean; busy: boolean; load: () => void }) {
  const [element, setElement] = useState<HTMLElement | null>(null);
  useEffect(() => {
    if (!element || !has) return undefined;
    const observer = new IntersectionObserver((entries) => {
      if (entries.some((entry) => entry.isIntersecting)) load();
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, [element, has, load]);
  if (!has) return null;
  return (
    <div ref={setElement} style={{ display: 'grid', placeItems: 'center', padding: 12 }}>
      <Button variant="subtle" size="xs" loading={busy} onClick={load}>
        Show more
      </Button>
    </div>
  );
}
