/** A part of the page of an account: a heading, where its facts are from, and the facts. */
import type { ReactNode } from 'react';
import * as icons from '../../icons';
import { Icon } from '../parts/Icon';
import { Ago } from '../parts/parts';
import page from './account.module.css';

export function Block(props: {
  title: string;
  id: string;
  note?: ReactNode;
  source?: { at_ms?: number | null; source?: string | null };
  children: ReactNode;
}) {
  const heading = `${props.id}-title`;
  return (
    <section className={page.block} id={props.id} aria-labelledby={heading}>
      <div className={page.blockHead}>
        <h2 id={heading}>{props.title}</h2>
        {props.note}
        {props.source?.at_ms ? (
          <span className={page.from}>
            {props.source.source && `${sourceOf(props.source.source)}, `}
            <Ago ms={props.source.at_ms} />
          </span>
        ) : null}
      </div>
      {props.children}
    </section>
  );
}

const sources: Record<string, string> = {
  record: 'from the record',
  api: 'from the API',
  import: 'imported',
  file: 'from a file',
  tickets: 'from tickets',
};
const sourceOf = (source: string) => sources[source] ?? source;

/** Says that something is not known, which is not the same as nothing. */
export function Unknown({ children }: { children: ReactNode }) {
  return (
    <p className={page.unknown}>
      <Icon path={icons.unknown} size={16} />
      {children}
    </p>
  );
}
