/** A text whose numbers lead to where they are from. */
import { Fragment, type ReactNode } from 'react';
import { Link } from 'react-router-dom';
import type { Figure } from '../api/briefs';
import css from './success.module.css';
import { linkOf, toolName } from './tools';

const escaped = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
const mostFigures = 400;
/** The 1 of "1 March" is no figure. */
const months =
  'January|February|March|April|May|June|July|August|September|October|November|December';

export function FigureText({ text, figures }: { text: string; figures: Figure[] | undefined }) {
  const known = new Map<string, Figure>();
  for (const figure of (figures ?? []).slice(0, mostFigures))
    if (figure.source.url && /\d/.test(figure.text) && !known.has(figure.text))
      known.set(figure.text, figure);
  if (known.size === 0) return <>{text}</>;
  // The longest first, so that "24 seats" is not taken for the score 24.
  const words = [...known.keys()].sort((a, b) => b.length - a.length).map(escaped);
  const pattern = new RegExp(
    `(?<![\\p{L}\\d.,-])(${words.join('|')})(?![\\p{L}\\d]|[.,]\\d| (?:${months}))`,
    'u',
  );
  const parts: ReactNode[] = [];
  let rest = text;
  for (;;) {
    const match = pattern.exec(rest);
    const figure = match?.[1] === undefined ? undefined : known.get(match[1]);
    if (!match || !figure) break;
    parts.push(rest.slice(0, match.index));
    parts.push(
      <Link
        to={linkOf(figure.source.url ?? '')}
        className={css.figure}
        title={`${figure.label}, from ${toolName(figure.source.tool)} (${figure.source.field})`}
      >
        {match[1]}
      </Link>,
    );
    rest = rest.slice(match.index + match[0].length);
  }
  parts.push(rest);
  return (
    <>
      {parts.map((part, i) => (
        <Fragment key={i}>{part}</Fragment>
      ))}
    </>
  );
}
