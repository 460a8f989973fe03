/** The health of an account: the score with its reasons, what changed it last, and its history. */
import { Table } from '@mantine/core';
import type { Attribution, Health, HistoryPoint, Overview } from '../api/accounts';
import { FactorBars, Gauge, HistoryChart, RiskTag } from '../parts/charts';
import { factorName, signedOf } from '../parts/risk';
import { dateOf, plain } from '../parts/words';
import { Block } from './Block';
import page from './account.module.css';

export function AccountHealth({ overview, asOf }: { overview: Overview; asOf: string | null }) {
  const { health } = overview;
  const history = [...overview.history].sort((a, b) => a.at_ms - b.at_ms);
  const until = asOf ? Date.parse(`${asOf}T23:59:59Z`) : Date.now();
  return (
    <Block title="Health" id="health" note={<code className={page.formula}>{health.formula}</code>}>
      <div className={page.health}>
        <div className={page.gauge}>
          <Gauge health={health} size={176} />
          <RiskTag risk={health.risk_level} />
        </div>
        <FactorBars factors={health.factors} />
      </div>
      {!!health.beside?.length && (
        <p className={page.beside}>
          {health.beside.map((other) => (
            <span key={other.formula}>
              <code>{other.formula}</code> would give <b>{other.score ?? 'no score'}</b>
              <RiskTag risk={other.risk_level} />
            </span>
          ))}
        </p>
      )}
      {!health.complete && (
        <p className={page.warning}>
          Without {health.missing.map((name) => factorName(name).toLowerCase()).join(' and ')} there
          is no score. What is known leaves
          {health.range ? ` ${health.range.low} to ${health.range.high}` : ' it open'}.
        </p>
      )}
      {health.previous && health.previous.delta !== 0 && <LastChange previous={health.previous} />}
      {history.length > 1 && (
        <>
          <h3 className={page.part}>History</h3>
          <HistoryChart points={history} now={until} />
          <details className={page.alternative}>
            <summary>As a table</summary>
            <HistoryTable history={history} />
          </details>
        </>
      )}
    </Block>
  );
}

function LastChange({ previous }: { previous: NonNullable<Health['previous']> }) {
  const [only, ...others] = previous.attribution;
  const since = `since ${dateOf(previous.at_ms)}, when it was ${previous.score}`;
  return (
    <div className={page.change}>
      <p>
        <b data-sign={previous.delta < 0 ? 'down' : 'up'}>{signedOf(previous.delta)}</b>{' '}
        {only && others.length === 0 ? `${only.text}, ${since}` : since}
      </p>
      {others.length > 0 && <Reasons list={previous.attribution} />}
    </div>
  );
}

/** "−9: two more open tickets since 3 March", one line per factor. */
export function Reasons({ list }: { list: Attribution[] }) {
  if (list.length === 0) return null;
  return (
    <ul className={page.reasons}>
      {list.map((reason, i) => (
        <li key={i}>
          <b data-sign={reason.delta < 0 ? 'down' : 'up'}>{signedOf(reason.delta)}</b>
          <span>{reason.text}</span>
        </li>
      ))}
    </ul>
  );
}

function HistoryTable({ history }: { history: HistoryPoint[] }) {
  return (
    <Table verticalSpacing={5} horizontalSpacing={8}>
      <Table.Thead>
        <Table.Tr>
          <Table.Th>Since</Table.Th>
          <Table.Th>Score</Table.Th>
          <Table.Th>Change</Table.Th>
          <Table.Th>Reason</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {[...history].reverse().map((point, i) => (
          <Table.Tr key={i}>
            <Table.Td>{dateOf(point.at_ms)}</Table.Td>
            <Table.Td>{point.score ?? 'not known'}</Table.Td>
            <Table.Td>{point.delta ? signedOf(point.delta) : '–'}</Table.Td>
            <Table.Td>
              {point.attribution.map((a) => a.text).join('; ') || plain(point.cause ?? '–')}
            </Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}
