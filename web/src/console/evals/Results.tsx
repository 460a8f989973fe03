/** One row per answer with the checks that it passed and failed; it opens to what they saw. */
import { SegmentedControl, Table } from '@mantine/core';
import { Fragment, useState } from 'react';
import * as icons from '../../icons';
import type { EvalResult, EvalTask } from '../api/evals';
import { Icon } from '../parts/Icon';
import { Tag } from '../parts/parts';
import parts from '../parts/parts.module.css';
import { durationOf, plain } from '../parts/words';
import css from './evals.module.css';
import { titleOf } from './titles';

const rowsAtOnce = 200;

export function Results({ results, tasks }: { results: EvalResult[]; tasks: EvalTask[] }) {
  const [only, setOnly] = useState('all');
  const [open, setOpen] = useState<number | null>(null);
  const rows = results
    .map((result, at) => ({ result, at }))
    .filter(({ result }) => only === 'all' || result.status !== 'passed');
  return (
    <>
      <SegmentedControl
        aria-label="Which results"
        value={only}
        onChange={setOnly}
        data={[
          { value: 'all', label: 'All' },
          { value: 'failed', label: 'Failed' },
        ]}
        mb={10}
      />
      <div className={parts.sheet}>
        <div className={parts.scrollX}>
          <Table aria-label="Results">
            <Table.Thead>
              <Table.Tr>
                <Table.Th>Account</Table.Th>
                <Table.Th>Task</Table.Th>
                <Table.Th>Result</Table.Th>
                <Table.Th>Checks</Table.Th>
                <Table.Th className={parts.amount ?? ''}>Time</Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {rows.slice(0, rowsAtOnce).map(({ result, at }) => (
                <Fragment key={at}>
                  <Table.Tr
                    className={parts.tableRow ?? ''}
                    onClick={() => setOpen(open === at ? null : at)}
                  >
                    <Table.Td>
                      <button type="button" className={parts.rowButton} aria-expanded={open === at}>
                        {result.account?.name ?? 'All accounts'}
                      </button>
                    </Table.Td>
                    <Table.Td className={css.nowrap ?? ''}>{titleOf(tasks, result.task)}</Table.Td>
                    <Table.Td>
                      <ResultTag result={result} />
                    </Table.Td>
                    <Table.Td>
                      <span className={css.checks}>
                        {result.checks.map((check) => (
                          <Tag
                            key={check.check}
                            tone={check.ok ? 'good' : 'bad'}
                            icon={check.ok ? icons.check : icons.close}
                            title={check.ok ? 'passed' : 'failed'}
                          >
                            {plain(check.check)}
                          </Tag>
                        ))}
                      </span>
                    </Table.Td>
                    <Table.Td className={`${parts.amount} ${css.nowrap}`}>
                      {durationOf(result.took_ms)}
                    </Table.Td>
                  </Table.Tr>
                  {open === at && (
                    <Table.Tr>
                      <Table.Td colSpan={5} className={css.detail ?? ''}>
                        <Detail result={result} />
                      </Table.Td>
                    </Table.Tr>
                  )}
                </Fragment>
              ))}
            </Table.Tbody>
          </Table>
        </div>
        {rows.length === 0 && <p className={css.none}>Nothing failed.</p>}
        {rows.length > rowsAtOnce && (
          <p className={css.none}>
            The first {rowsAtOnce} of {rows.length}; the export has all of them.
          </p>
        )}
      </div>
    </>
  );
}

function ResultTag({ result }: { result: EvalResult }) {
  if (result.status === 'passed')
    return (
      <Tag tone="good" icon={icons.check}>
        Passed
      </Tag>
    );
  return (
    <Tag tone="bad" icon={icons.close}>
      {result.status === 'error' ? 'No answer' : 'Failed'}
    </Tag>
  );
}

function Detail({ result }: { result: EvalResult }) {
  return (
    <>
      <p className={css.question}>{result.prompt}</p>
      {result.summary && <p className={css.answer}>{result.summary}</p>}
      <ul className={css.details}>
        {result.checks.map((check) => (
          <li key={check.check} data-passed={check.ok}>
            <Icon path={check.ok ? icons.check : icons.close} size={15} />
            <b>{plain(check.check)}</b>
            <span>{check.detail || (check.ok ? 'holds' : 'does not hold')}</span>
          </li>
        ))}
      </ul>
      {result.plan_source && (
        <p className={css.note}>
          {result.plan_source === 'model' ? 'Planned by the model' : 'Planned without a model'}
        </p>
      )}
    </>
  );
}
