/** A JSON value as a tree that opens level by level; long strings and arrays stay readable. */
import { ActionIcon, CopyButton, Tooltip } from '@mantine/core';
import * as icons from '../../icons';
import { Icon } from './Icon';
import css from './parts.module.css';

const openDepth = 2;
const shownItems = 200;

export function Json({ value, label }: { value: unknown; label: string }) {
  const parsed = readText(value);
  return (
    <div className={css.json} role="group" aria-label={label}>
      <CopyButton value={typeof parsed === 'string' ? parsed : JSON.stringify(parsed, null, 2)}>
        {({ copied, copy }) => (
          <Tooltip label={copied ? 'Copied' : 'Copy'}>
            <ActionIcon
              className={css.copy ?? ''}
              size={24}
              onClick={copy}
              aria-label={`Copy ${label}`}
            >
              <Icon path={copied ? icons.check : icons.copy} size={14} />
            </ActionIcon>
          </Tooltip>
        )}
      </CopyButton>
      <Node name={null} value={parsed} depth={0} />
    </div>
  );
}

/** Arguments often arrive as JSON inside a string. */
function readText(value: unknown): unknown {
  if (typeof value !== 'string' || !/^\s*[[{]/.test(value)) return value;
  try {
    return JSON.parse(value) as unknown;
  } catch {
    return value;
  }
}

function Node({ name, value, depth }: { name: string | null; value: unknown; depth: number }) {
  const key = name === null ? null : <span className={css.key}>{name}: </span>;
  if (typeof value !== 'object' || value === null)
    return (
      <div className={css.line}>
        {key}
        <Leaf value={value} />
      </div>
    );
  const entries: [string, unknown][] = Array.isArray(value)
    ? value.map((item, i): [string, unknown] => [String(i), item])
    : Object.entries(value);
  const shape = Array.isArray(value) ? `[${entries.length}]` : `{${entries.length}}`;
  if (entries.length === 0)
    return (
      <div className={css.line}>
        {key}
        <span className={css.meta}>{Array.isArray(value) ? '[]' : '{}'}</span>
      </div>
    );
  return (
    <details open={depth < openDepth}>
      <summary>
        {key}
        <span className={css.meta}>{shape}</span>
      </summary>
      <div>
        {entries.slice(0, shownItems).map(([k, v]) => (
          <Node key={k} name={k} value={v} depth={depth + 1} />
        ))}
        {entries.length > shownItems && (
          <div className={css.meta}>… and {entries.length - shownItems} more</div>
        )}
      </div>
    </details>
  );
}

function Leaf({ value }: { value: unknown }) {
  if (typeof value === 'string') return <span className={css.string}>{JSON.stringify(value)}</span>;
  if (typeof value === 'number') return <span className={css.number}>{String(value)}</span>;
  return <span className={css.word}>{String(value)}</span>;
}
