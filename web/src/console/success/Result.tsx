/** What a question came to: in words, with the health, what to do, what to send, what to show. */
import { Button, Table } from '@mantine/core';
import { useState, type ReactNode } from 'react';
import { Link } from 'react-router-dom';
import * as icons from '../../icons';
import type { Risk, Trend } from '../api/accounts';
import type { Action, Brief, Figure, RankedTable } from '../api/briefs';
import { ownerName } from '../accounts/Filters';
import { FactorBars, Gauge, RiskMark, RiskTag, TrendTag } from '../parts/charts';
import { Icon } from '../parts/Icon';
import { Tag } from '../parts/parts';
import parts from '../parts/parts.module.css';
import { riskOfScore, roundMoneyOf } from '../parts/risk';
import { dateOf, numberOf, plain } from '../parts/words';
import { EmailCard } from './EmailCard';
import { FigureText } from './FigureText';
import css from './success.module.css';
import { linkOf, toolName } from './tools';

const actionsAtFirst = 3;
/** Notes that only tell, as against those that something is missing. */
const quietNotes = new Set(['more', 'used_instead', 'refused', 'out_of_scope']);

interface Props {
  brief: Partial<Brief>;
  done: boolean;
  onEdit: (change: Partial<Brief>) => void;
}

export function Result({ brief, done, onEdit }: Props) {
  const quiet = brief.scope === 'refused' || brief.scope === 'which_account';
  return (
    <div className={css.result} lang={brief.language}>
      {brief.summary && (
        <p className={quiet ? css.said : css.summary}>
          <FigureText text={brief.summary} figures={brief.figures} />
        </p>
      )}
      <Notes notes={brief.notes ?? []} />
      {brief.health && (
        <section className={css.card} aria-label="Health">
          <div className={css.health}>
            <div>
              <Gauge health={brief.health} size={150} />
              <RiskTag risk={brief.health.risk_level} />
            </div>
            <FactorBars factors={brief.health.factors} />
          </div>
        </section>
      )}
      {brief.table && <Ranked table={brief.table} />}
      {!!brief.actions?.length && <Actions actions={brief.actions} figures={brief.figures} />}
      {brief.email_draft && (
        <EmailCard
          briefId={done && brief.id ? brief.id : null}
          draft={brief.email_draft}
          onDraft={(email_draft) => onEdit({ email_draft })}
        />
      )}
      {!!brief.qbr?.sections.length && (
        <section className={css.card} aria-label="QBR outline">
          <div className={css.cardHead}>
            <h3>
              <Icon path={icons.slides} size={16} />
              QBR outline
            </h3>
          </div>
          <ol className={css.qbr}>
            {brief.qbr.sections.map((section, i) => (
              <li key={i}>
                <b>{section.title}</b>
                <ul>
                  {section.bullets.map((bullet, k) => (
                    <li key={k}>
                      <FigureText
                        text={typeof bullet === 'string' ? bullet : bullet.text}
                        figures={brief.figures}
                      />
                    </li>
                  ))}
                </ul>
              </li>
            ))}
          </ol>
        </section>
      )}
      {!!brief.figures?.length && <Figures figures={brief.figures} />}
    </div>
  );
}

function Notes({ notes }: { notes: NonNullable<Brief['notes']> }) {
  const loud = notes.filter((note) => !quietNotes.has(note.code));
  const quiet = notes.filter((note) => quietNotes.has(note.code));
  return (
    <>
      {loud.length > 0 && (
        <ul className={css.notes} aria-label="Notes">
          {loud.map((note, i) => (
            <li key={i}>
              <Icon path={icons.alert} size={15} />
              {note.text}
            </li>
          ))}
        </ul>
      )}
      {quiet.map((note, i) => (
        <p key={i} className={css.quietNote}>
          {note.text}
        </p>
      ))}
    </>
  );
}

const urgency: Record<string, 'bad' | 'human' | 'plain'> = { high: 'bad', medium: 'human' };

function Actions({ actions, figures }: { actions: Action[]; figures: Figure[] | undefined }) {
  const [all, setAll] = useState(false);
  const shown = all ? actions : actions.slice(0, actionsAtFirst);
  return (
    <section className={css.card} aria-label="Next steps">
      <div className={css.cardHead}>
        <h3>
          <Icon path={icons.checklist} size={16} />
          Next steps
        </h3>
      </div>
      <ol className={css.actions}>
        {shown.map((action, i) => (
          <li key={i}>
            <span>
              <b>
                <FigureText text={action.text} figures={figures} />
              </b>
              {action.reason && <em>{action.reason}</em>}
            </span>
            {action.priority && (
              <Tag tone={urgency[action.priority] ?? 'plain'}>{plain(action.priority)}</Tag>
            )}
          </li>
        ))}
      </ol>
      {actions.length > actionsAtFirst && (
        <Button size="compact-xs" variant="subtle" aria-expanded={all} onClick={() => setAll(!all)}>
          {all ? 'Show fewer' : `Show all ${actions.length}`}
        </Button>
      )}
    </section>
  );
}

const right = new Set(['number', 'money', 'score']);

function Ranked({ table }: { table: RankedTable }) {
  const align = (type: string) => (right.has(type) ? (parts.amount ?? '') : '');
  return (
    <section className={css.card} data-flush aria-label={table.title}>
      <div className={css.cardHead}>
        <h3>
          <Icon path={icons.briefcase} size={16} />
          {table.title}
        </h3>
      </div>
      <div className={parts.scrollX}>
        <Table aria-label={table.title} verticalSpacing={7}>
          <Table.Thead>
            <Table.Tr>
              {table.columns.map((column) => (
                <Table.Th key={column.key} className={align(column.type)}>
                  {column.label}
                </Table.Th>
              ))}
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {table.rows.map((row, i) => (
              <Table.Tr key={i}>
                {table.columns.map((column) => (
                  <Table.Td key={column.key} className={align(column.type)}>
                    {cellOf(row, column.key, column.type)}
                  </Table.Td>
                ))}
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </div>
    </section>
  );
}

function cellOf(row: Record<string, unknown>, key: string, type: string): ReactNode {
  const value = row[key];
  if (type === 'account') {
    const slug = row.slug ?? row.id;
    const name = typeof value === 'object' && value ? (value as { name?: string }).name : value;
    return typeof slug === 'string' ? (
      <Link to={`/accounts/${slug}`} className={css.link}>
        {String(name)}
      </Link>
    ) : (
      String(name)
    );
  }
  if (value === null || value === undefined || value === '') return '–';
  if (key === 'owner') return ownerName(String(value));
  if (type === 'risk') return <RiskTag risk={value as Risk} />;
  if (type === 'trend') return <TrendTag trend={value as Trend} />;
  if (typeof value === 'number') {
    if (type === 'score')
      return (
        <span className={css.score}>
          <RiskMark risk={riskOfScore(value)} />
          {value}
        </span>
      );
    if (type === 'money')
      return roundMoneyOf(value, typeof row.currency === 'string' ? row.currency : null);
    if (type === 'date') return <span className={css.nowrap}>{dateOf(value)}</span>;
    return numberOf(value);
  }
  return String(value);
}

function Figures({ figures }: { figures: Figure[] }) {
  return (
    <details className={css.figures}>
      <summary>Figures and where they are from</summary>
      <div className={parts.scrollX}>
        <Table verticalSpacing={4} horizontalSpacing={8} aria-label="Figures">
          <Table.Thead>
            <Table.Tr>
              <Table.Th>Figure</Table.Th>
              <Table.Th>Value</Table.Th>
              <Table.Th>From</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {figures.map((figure) => (
              <Table.Tr key={figure.key}>
                <Table.Td>{figure.label}</Table.Td>
                <Table.Td>{figure.text}</Table.Td>
                <Table.Td>
                  {figure.source.url ? (
                    <Link to={linkOf(figure.source.url)} className={css.link}>
                      {toolName(figure.source.tool)}
                    </Link>
                  ) : (
                    toolName(figure.source.tool)
                  )}{' '}
                  <code>{figure.source.field}</code>
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </div>
    </details>
  );
}
