/** The accounts as a table: sorted, filtered and paged by the server. */
import { Button, Select, Table } from '@mantine/core';
import { useEffect, useState } from 'react';
import { Link, useNavigate } from 'react-router-dom';
import * as icons from '../../icons';
import { usePortfolio, type PortfolioQuery, type PortfolioRow } from '../api/accounts';
import type { AddressState } from '../parts/address';
import { ScoreBadge, Sparkline, TrendTag } from '../parts/charts';
import { Icon } from '../parts/Icon';
import { RowMenu } from '../parts/ListTable';
import { Empty, ProblemNote, TableBones } from '../parts/parts';
import parts from '../parts/parts.module.css';
import { dateDaysOf, roundMoneyOf } from '../parts/risk';
import { dateOf, numberOf, plain } from '../parts/words';
import css from './accounts.module.css';
import { AskItems } from './AskItems';
import { ownerName } from './Filters';

interface Column {
  sort: string;
  label: string;
  className?: string | undefined;
  /** What is wanted first: the worst health, but the highest revenue. */
  first: 'asc' | 'desc';
}
const columns: Column[] = [
  { sort: 'name', label: 'Account', first: 'asc' },
  { sort: 'score', label: 'Health', first: 'asc' },
  { sort: 'trend', label: 'Usage', className: css.wideOnly, first: 'asc' },
  { sort: 'arr_cents', label: 'Revenue a year', className: css.amountWide, first: 'desc' },
  { sort: 'renewal_date_ms', label: 'Renewal', first: 'asc' },
  { sort: 'open_tickets', label: 'Tickets', className: css.amountWide, first: 'desc' },
];
const pageSizes = ['10', '20', '50', '100'];
const usualSort = 'score';

interface Props {
  filter: PortfolioQuery;
  asOf: string | null;
  address: AddressState;
}

export function PortfolioTable({ filter, asOf, address }: Props) {
  const sort = address.read('sort') ?? usualSort;
  const order = address.read('order') ?? columns.find((c) => c.sort === sort)?.first ?? 'asc';
  const size = pageSizes.includes(address.read('size') ?? '') ? Number(address.read('size')) : 20;
  const asked = { ...filter, as_of: asOf ?? undefined, sort, order };
  const pages = usePages(JSON.stringify([asked, size]));
  const list = usePortfolio(asked, size, pages.cursor);
  const rows = list.data?.items;
  const filtered = Object.values(filter).some(Boolean);
  if (list.isError && !rows)
    return <ProblemNote error={list.error} retry={() => void list.refetch()} />;
  return (
    <div className={parts.sheet} data-busy={list.isPlaceholderData || undefined}>
      {!rows && <TableBones columns={6} rows={8} />}
      {rows?.length === 0 && (
        <Empty icon={icons.briefcase} title={filtered ? 'Nothing found' : 'No accounts yet'}>
          {filtered
            ? 'No account is like that. Take out a filter to see more.'
            : asOf
              ? 'Nothing was known of any account on that day.'
              : 'Accounts come in through the API, an import, or the records of the workspace.'}
        </Empty>
      )}
      {!!rows?.length && (
        <div className={parts.scrollX}>
          <Table highlightOnHover aria-label="Accounts">
            <Table.Thead>
              <Table.Tr>
                {columns.map((column) => (
                  <SortHead
                    key={column.sort}
                    column={column}
                    now={sort === column.sort ? order : null}
                    onSort={(next) => address.write({ sort: column.sort, order: next })}
                  />
                ))}
                <Table.Th className={css.wideOnly ?? ''}>Owner</Table.Th>
                <Table.Th aria-label="Actions" />
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {rows.map((row) => (
                <Row key={row.id} row={row} asOf={asOf} />
              ))}
            </Table.Tbody>
          </Table>
        </div>
      )}
      {!!rows?.length && (
        <div className={css.pager}>
          <span>
            {numberOf(pages.at * size + 1)}–{numberOf(pages.at * size + rows.length)} of{' '}
            {numberOf(list.data?.total ?? rows.length)}
          </span>
          <Select
            size="xs"
            w={122}
            aria-label="Rows on a page"
            data={pageSizes.map((value) => ({ value, label: `${value} on a page` }))}
            value={String(size)}
            onChange={(value) => address.write({ size: value === '20' ? null : value })}
          />
          <Button
            size="xs"
            variant="default"
            disabled={pages.at === 0}
            onClick={pages.back}
            aria-label="Previous page"
          >
            Previous
          </Button>
          <Button
            size="xs"
            variant="default"
            disabled={!list.data?.next_cursor || list.isPlaceholderData}
            onClick={() => list.data?.next_cursor && pages.forth(list.data.next_cursor)}
            aria-label="Next page"
          >
            Next
          </Button>
        </div>
      )}
    </div>
  );
}

/** The cursors of the pages so far; another question begins at its first page. */
function usePages(question: string) {
  const [state, setState] = useState<{ question: string; cursors: (string | null)[] }>({
    question,
    cursors: [null],
  });
  const cursors = state.question === question ? state.cursors : [null];
  useEffect(
    () => setState((now) => (now.question === question ? now : { question, cursors: [null] })),
    [question],
  );
  return {
    at: cursors.length - 1,
    cursor: cursors[cursors.length - 1] ?? null,
    back: () => setState({ question, cursors: cursors.slice(0, -1) }),
    forth: (cursor: string) => setState({ question, cursors: [...cursors, cursor] }),
  };
}

function SortHead(props: {
  column: Column;
  now: string | null;
  onSort: (order: 'asc' | 'desc') => void;
}) {
  const { column, now } = props;
  const next = now === null ? column.first : now === 'asc' ? 'desc' : 'asc';
  return (
    <Table.Th
      className={column.className ?? ''}
      aria-sort={now === null ? 'none' : now === 'asc' ? 'ascending' : 'descending'}
    >
      <button type="button" className={css.sort} onClick={() => props.onSort(next)}>
        {column.label}
        <span data-now={now ?? undefined}>
          <Icon
            path={now === null ? icons.sort : now === 'asc' ? icons.sortUp : icons.chevronDown}
            size={13}
          />
        </span>
      </button>
    </Table.Th>
  );
}

function Row({ row, asOf }: { row: PortfolioRow; asOf: string | null }) {
  const navigate = useNavigate();
  const to = `/accounts/${row.slug}${asOf ? `?as_of=${asOf}` : ''}`;
  const soon = row.date_days !== null && row.date_days <= 30;
  return (
    <Table.Tr
      className={parts.tableRow ?? ''}
      onClick={(event) => {
        const inside = (event.target as HTMLElement).closest('a, button, [role=menu]');
        if (!inside && event.currentTarget.contains(event.target as Node)) navigate(to);
      }}
    >
      <Table.Td>
        <Link to={to} className={css.name}>
          {row.name}
        </Link>
        <span className={css.sub}>
          {[row.stage && plain(row.stage), row.plan && plain(row.plan)].filter(Boolean).join(' · ')}
        </span>
      </Table.Td>
      <Table.Td>
        <ScoreBadge score={row.score} risk={row.risk_level} delta={row.score_delta_30d} />
      </Table.Td>
      <Table.Td className={css.wideOnly ?? ''}>
        <span className={css.usageCell}>
          <Sparkline values={row.sparkline} trend={row.trend} />
          <TrendTag trend={row.trend} />
        </span>
      </Table.Td>
      <Table.Td className={css.amountWide ?? ''}>
        {row.arr_cents === null ? '–' : roundMoneyOf(row.arr_cents, row.currency)}
      </Table.Td>
      <Table.Td>
        {row.renewal_date_ms === null ? (
          <span className={css.sub}>–</span>
        ) : (
          <span className={css.renewal} data-soon={soon || undefined}>
            {dateDaysOf(row.date_days)}
            <span className={css.sub}>{dateOf(row.renewal_date_ms)}</span>
          </span>
        )}
      </Table.Td>
      <Table.Td className={css.amountWide ?? ''}>{row.open_tickets ?? '–'}</Table.Td>
      <Table.Td className={css.wideOnly ?? ''}>{row.owner ? ownerName(row.owner) : '–'}</Table.Td>
      <RowMenu name={row.name}>
        <AskItems slug={row.slug} />
      </RowMenu>
    </Table.Tr>
  );
}
