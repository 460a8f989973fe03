/** A file of accounts, contracts, usage or tickets: tried first, then taken over. */
import { Button, Checkbox, FileInput, Select, Table } from '@mantine/core';
import { Fragment, useState } from 'react';
import * as icons from '../../icons';
import { useImport, type ImportKind, type ImportReport } from '../api/accountChanges';
import { Dialog } from '../parts/Dialog';
import { Icon } from '../parts/Icon';
import { Bones, ProblemNote } from '../parts/parts';
import parts from '../parts/parts.module.css';
import { bytesOf, numberOf, plural } from '../parts/words';
import css from './form.module.css';

const kinds: { value: ImportKind; label: string; columns: string }[] = [
  {
    value: 'accounts',
    label: 'Accounts',
    columns:
      'name, and what is known: slug, stage, plan, owner, arr, renewal_date, open_tickets and more',
  },
  {
    value: 'contracts',
    label: 'Contracts',
    columns: 'account, renewal_date, arr, currency, seats, plan',
  },
  { value: 'usage', label: 'Usage', columns: 'account, sparkline, trend, avg_daily_users, at' },
  {
    value: 'tickets',
    label: 'Tickets',
    columns: 'account, and open_tickets or a line for each: id, severity, subject, created_at',
  },
];
const largestBytes = 8 * 1024 * 1024;

export function ImportDialog({ onClose }: { onClose: () => void }) {
  const [kind, setKind] = useState<ImportKind>('accounts');
  const [file, setFile] = useState<File | null>(null);
  const [skipBad, setSkipBad] = useState(false);
  const send = useImport();
  const report = send.data;
  const large = file !== null && file.size > largestBytes;
  const tried = report?.dry_run ? report : null;
  const good = tried ? tried.created + tried.updated : 0;
  const blocked = tried !== null && (good === 0 || (tried.bad > 0 && !skipBad));
  const run = (dry: boolean) => file && send.mutate({ kind, file, dry, skipBad });
  // What was tried holds for that file and that kind alone.
  const choose = (change: () => void) => {
    change();
    send.reset();
  };
  return (
    <Dialog onClose={onClose} title="Import from a file" size="lg">
      <form
        className={css.form}
        onSubmit={(event) => {
          event.preventDefault();
          if (file && !large && !send.isPending && !report?.applied && !blocked) run(!tried);
        }}
      >
        <div className={css.grid}>
          <Select
            label="What is in it"
            data={kinds.map(({ value, label }) => ({ value, label }))}
            value={kind}
            allowDeselect={false}
            disabled={send.isPending}
            onChange={(value) => choose(() => setKind(value as ImportKind))}
            data-autofocus
          />
          <FileInput
            label="File"
            placeholder="CSV or JSON, up to 8 MB"
            accept=".csv,.tsv,.txt,.json"
            leftSection={<Icon path={icons.upload} size={16} />}
            value={file}
            disabled={send.isPending}
            error={large && `The file has ${bytesOf(file.size)}; an import has at most 8 MB.`}
            clearable
            clearButtonProps={{ 'aria-label': 'Another file' }}
            onChange={(chosen) => choose(() => setFile(chosen))}
          />
        </div>
        <p className={css.hint}>
          Columns: {kinds.find((row) => row.value === kind)?.columns}. Nothing is changed until you
          have seen what would come of it.
        </p>
        {send.isPending && <Bones lines={3} />}
        {send.isError && <ProblemNote error={send.error} />}
        {report && <Outcome report={report} />}
        {tried && tried.bad > 0 && good > 0 && (
          <Checkbox
            label={`Skip ${plural(tried.bad, 'bad row')} and take over the others`}
            checked={skipBad}
            onChange={(event) => setSkipBad(event.currentTarget.checked)}
          />
        )}
        <div className={css.acts}>
          <Button variant="default" onClick={onClose}>
            {report?.applied ? 'Close' : 'Cancel'}
          </Button>
          {!report?.applied && (
            <Button
              type="submit"
              loading={send.isPending}
              disabled={!file || large || blocked || (report !== undefined && !tried)}
            >
              {tried && good > 0 ? `Import ${plural(good, 'row')}` : 'Try it'}
            </Button>
          )}
        </div>
      </form>
    </Dialog>
  );
}

/** The counts, then every fault with its line and field. */
function Outcome({ report }: { report: ImportReport }) {
  const counts: [string, number][] = [
    [report.applied ? 'New' : 'Would be new', report.created],
    [report.applied ? 'Changed' : 'Would change', report.updated],
    ['As it is', report.unchanged],
    ['Bad', report.bad],
  ];
  return (
    <section className={css.outcome} aria-label="What comes of it">
      <p role="status">
        <strong>{headOf(report)}</strong>
      </p>
      <dl className={css.counts}>
        {counts.map(([name, count]) => (
          <div key={name} data-bad={(name === 'Bad' && count > 0) || undefined}>
            <dt>{name}</dt>
            <dd>{numberOf(count)}</dd>
          </div>
        ))}
      </dl>
      {report.faults.length > 0 && (
        <div
          className={`${parts.sheet} ${css.faults}`}
          role="region"
          aria-label="Faults"
          tabIndex={0}
        >
          <Table aria-label="Faults" stickyHeader>
            <Table.Thead>
              <Table.Tr>
                <Table.Th w={56}>Line</Table.Th>
                <Table.Th>Field</Table.Th>
                <Table.Th>What is wrong</Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {report.faults.map((fault, i) => (
                <Table.Tr key={`${fault.line}-${i}`}>
                  <Table.Td>{numberOf(fault.line)}</Table.Td>
                  <Table.Td>{fault.field ? <FieldName name={fault.field} /> : '–'}</Table.Td>
                  <Table.Td className={css.why ?? ''}>{fault.text}</Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </div>
      )}
    </section>
  );
}

/** Long names break after an underscore or a dot. */
function FieldName({ name }: { name: string }) {
  return (
    <code>
      {name.split(/([^_.]*[_.])/).map((piece, i) => (
        <Fragment key={i}>
          {piece}
          <wbr />
        </Fragment>
      ))}
    </code>
  );
}

function headOf(report: ImportReport): string {
  const rows = plural(report.rows, 'row');
  if (report.applied) return `${plural(report.created + report.updated, 'row')} taken over.`;
  if (report.rows === 0) return 'There is no row in this file.';
  if (!report.dry_run) return 'Nothing was taken over.';
  if (report.bad === report.rows) return `None of ${rows} can be taken over.`;
  if (report.bad > 0) return `${numberOf(report.bad)} of ${rows} cannot be taken over.`;
  if (report.created + report.updated === 0) return `${rows}, and all is known already.`;
  return `${rows}, and all are good.`;
}
