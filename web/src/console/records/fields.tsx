/** Shows a field by what its name says it is: `_at` and `_date` are times, `_cents` is money. */
import { Tag, type Tone } from '../parts/parts';
import { dateOf, fullTimeOf, moneyOf, numberOf, plain } from '../parts/words';
import type { RecordDocument } from '../api/types';

const hidden = new Set(['id', 'created_at', 'updated_at', 'org_id', 'version', 'etag']);
const mostColumns = 7;

export function labelOf(name: string): string {
  if (name === 'arr_cents') return 'Revenue a year';
  return plain(name.replace(/_(cents|at|ms)$/, ''));
}

export function isDeep(value: unknown): boolean {
  return (
    typeof value === 'object' &&
    value !== null &&
    !(Array.isArray(value) && value.every((v) => typeof v !== 'object'))
  );
}

/** Does a column hold amounts, which are read from the right? */
export function isNumber(name: string, value: unknown): boolean {
  return typeof value === 'number' && !isTime(name, value);
}

/** The rows of a list whose members are flat and have the same few fields. */
export function rowsOf(value: unknown): Record<string, unknown>[] | null {
  if (!Array.isArray(value) || value.length === 0) return null;
  const rows = value as Record<string, unknown>[];
  const shape = Object.keys(rows[0] ?? {}).join();
  const alike = rows.every(
    (row) =>
      typeof row === 'object' &&
      row !== null &&
      Object.keys(row).join() === shape &&
      !Object.values(row).some(isDeep),
  );
  return alike && Object.keys(rows[0] ?? {}).length <= 5 ? rows : null;
}

const isTime = (name: string, value: number) =>
  /(_at|_date|_ms|_until|_since)$|^(since|until|eta|at)$/.test(name) && value > 1e11;

/** The columns a kind declares, or else the first plain fields that its records have. */
export function columnsOf(records: RecordDocument[], declared: string[] | undefined): string[] {
  if (records.length === 0) return declared ?? [];
  const has = (name: string) => records.some((r) => r[name] !== undefined && r[name] !== null);
  const listed = (declared ?? []).filter(has);
  if (listed.length) return listed;
  const names = [...new Set(records.flatMap((record) => Object.keys(record)))];
  return names
    .filter((n) => !hidden.has(n) && !records.some((r) => isDeep(r[n])))
    .slice(0, mostColumns);
}

const tones: Record<string, Tone> = {
  active: 'good',
  delivered: 'good',
  paid: 'good',
  resolved: 'good',
  completed: 'good',
  low: 'good',
  shipped: 'info',
  processing: 'info',
  in_progress: 'info',
  sent: 'info',
  trial: 'info',
  requested: 'info',
  at_risk: 'bad',
  churned: 'bad',
  overdue: 'bad',
  critical: 'bad',
  high: 'bad',
  escalated: 'bad',
  failed: 'bad',
  cancelled: 'plain',
  renewal_approaching: 'human',
  awaiting_customer: 'human',
  open: 'human',
  backordered: 'human',
  return_requested: 'human',
  past_due: 'bad',
};
const stateFields = /^(status|stage|state|priority|risk|return_status)$/;

export function FieldValue({
  name,
  value,
  record,
}: {
  name: string;
  value: unknown;
  record: RecordDocument;
}) {
  if (value === null || value === undefined || value === '') return <>–</>;
  if (typeof value === 'number') {
    if (isTime(name, value))
      return (
        <time dateTime={new Date(value).toISOString()} title={fullTimeOf(value)}>
          {dateOf(value)}
        </time>
      );
    if (/_cents$/.test(name))
      return <>{moneyOf(value, typeof record.currency === 'string' ? record.currency : 'EUR')}</>;
    return <>{numberOf(value)}</>;
  }
  if (typeof value === 'boolean') return <>{value ? 'Yes' : 'No'}</>;
  if (Array.isArray(value)) return <>{value.join(', ')}</>;
  if (typeof value === 'object') {
    const named = value as { name?: unknown };
    return <>{typeof named.name === 'string' ? named.name : JSON.stringify(value)}</>;
  }
  const text = String(value);
  if (stateFields.test(name)) return <Tag tone={tones[text] ?? 'plain'}>{plain(text)}</Tag>;
  if (/_url$|^website$/.test(name) && /^https?:\/\//.test(text))
    return (
      <a href={text} target="_blank" rel="noopener noreferrer">
        {text}
      </a>
    );
  return <>{isWord(name, text) ? plain(text) : text}</>;
}

/** A word of a closed list, such as a plan, as against a name or a key. */
const isWord = (name: string, text: string) =>
  /^[a-z]{3,}(_[a-z]+)*$/.test(text) && !/^(slug|key|sku|id)$|_id$/.test(name);
