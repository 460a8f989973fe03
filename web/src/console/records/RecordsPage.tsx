/** The org's own records: the built-in kinds and those it defined for itself, as plain tables. */
import { Drawer, Table, Tabs, TextInput } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useState, type ReactNode } from 'react';
import { useNavigate, useParams } from 'react-router-dom';
import * as icons from '../../icons';
import { useKinds, useRecord, useRecords } from '../api/queries';
import type { RecordDocument } from '../api/types';
import { Icon } from '../parts/Icon';
import { Json } from '../parts/Json';
import { ListTable } from '../parts/ListTable';
import { Bones, Empty, Fields, PageFrame, ProblemNote } from '../parts/parts';
import parts from '../parts/parts.module.css';
import { plain } from '../parts/words';
import css from './records.module.css';
import { columnsOf, FieldValue, isDeep, isNumber, labelOf, rowsOf } from './fields';

interface KindTab {
  name: string;
  label: string;
  path: string;
  list?: string[] | undefined;
}

const builtIn: KindTab[] = [
  {
    name: 'accounts',
    label: 'Accounts',
    path: 'accounts',
    list: ['name', 'stage', 'plan', 'seats', 'arr_cents', 'renewal_date', 'owner'],
  },
  {
    name: 'contacts',
    label: 'Contacts',
    path: 'contacts',
    list: ['name', 'email', 'account', 'title', 'last_seen_at'],
  },
  {
    name: 'tickets',
    label: 'Tickets',
    path: 'tickets',
    list: ['number', 'subject', 'status', 'priority', 'account', 'assignee', 'updated_at'],
  },
];

const columnsWhenNarrow = 2;

export default function RecordsPage() {
  const { kind = 'accounts' } = useParams();
  const navigate = useNavigate();
  const kinds = useKinds();
  const taken = new Set(['account', 'contact', 'ticket']);
  const own = (kinds.data ?? [])
    .filter((k) => !taken.has(k.name))
    .map((k): KindTab => ({
      name: k.name,
      label: k.plural ?? plain(`${k.name}s`),
      path: `records/${k.name}`,
      list: k.list,
    }));
  const tabs = [...builtIn, ...own];
  const tab = tabs.find((t) => t.name === kind);
  return (
    <PageFrame
      title="Records"
      note="What tools read and write: the same records, with the same rules."
    >
      <Tabs value={kind} onChange={(value) => value && navigate(`/records/${value}`)}>
        <Tabs.List mb="md" style={{ flexWrap: 'nowrap', overflowX: 'auto', overflowY: 'hidden' }}>
          {tabs.map((t) => (
            <Tabs.Tab key={t.name} value={t.name}>
              {t.label}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        {tab && (
          <Tabs.Panel value={tab.name}>
            <Records key={tab.name} tab={tab} />
          </Tabs.Panel>
        )}
      </Tabs>
      {!tab && kinds.isPending && <Bones lines={6} />}
      {!tab && !kinds.isPending && (
        <Empty icon={icons.table} title="There is no such kind of record" />
      )}
    </PageFrame>
  );
}

function Records({ tab }: { tab: KindTab }) {
  const [text, setText] = useState('');
  const [q] = useDebouncedValue(text.trim(), 250);
  const records = useRecords(tab.path, q);
  const [shown, setShown] = useState<RecordDocument | null>(null);
  const columns = columnsOf(records.items ?? [], tab.list);
  const cellClass = (column: string, at: number) =>
    [
      at >= columnsWhenNarrow && parts.extra,
      isNumber(column, records.items?.[0]?.[column]) && parts.amount,
    ]
      .filter(Boolean)
      .join(' ');
  return (
    <>
      <TextInput
        mb="sm"
        className={css.search ?? ''}
        size="xs"
        aria-label={`Search ${tab.label.toLowerCase()}`}
        placeholder={`Search ${tab.label.toLowerCase()}`}
        leftSection={<Icon path={icons.search} size={15} />}
        value={text}
        onChange={(event) => setText(event.currentTarget.value)}
      />
      {records.isError && (
        <ProblemNote error={records.error} retry={() => void records.refetch()} />
      )}
      <ListTable
        list={records}
        head={columns.map((column, i) => ({
          label: labelOf(column),
          className: cellClass(column, i),
        }))}
        opens
        bones={{ columns: 5, rows: 8 }}
        empty={
          <Empty
            icon={icons.table}
            title={q ? 'Nothing found' : `No ${tab.label.toLowerCase()} yet`}
          >
            {q
              ? `Nothing holds “${q}”.`
              : 'Records come in through the API, an import, or the tools of an agent.'}
          </Empty>
        }
        row={(record) => (
          <Table.Tr
            key={record.id}
            className={parts.tableRow ?? ''}
            onClick={() => setShown(record)}
          >
            {columns.map((column, i) => (
              <Table.Td key={column} className={cellClass(column, i)}>
                {i === 0 ? (
                  <button type="button" className={parts.rowButton}>
                    <FieldValue name={column} value={record[column]} record={record} />
                  </button>
                ) : (
                  <FieldValue name={column} value={record[column]} record={record} />
                )}
              </Table.Td>
            ))}
          </Table.Tr>
        )}
      />
      <RecordDrawer
        path={tab.path}
        record={shown}
        title={columns[0] ?? 'id'}
        onClose={() => setShown(null)}
      />
    </>
  );
}

interface DrawerProps {
  path: string;
  record: RecordDocument | null;
  title: string;
  onClose: () => void;
}

function RecordDrawer({ path, record, title, onClose }: DrawerProps) {
  const full = useRecord(record ? `${path}/${record.id}` : null);
  const shown = full.data ?? record;
  const entries = Object.entries(shown ?? {}).filter(([, v]) => v !== null && v !== '');
  const flat = entries.filter(([name, value]) => !isDeep(value) && !keeping.has(name));
  const deep = entries.filter(([, value]) => isDeep(value));
  const kept = entries.filter(([name]) => keeping.has(name));
  const rows = (list: [string, unknown][]): [string, ReactNode][] =>
    list.map(([name, value]) => [
      labelOf(name),
      <FieldValue key={name} name={name} value={value} record={shown as RecordDocument} />,
    ]);
  return (
    <Drawer
      opened={record !== null}
      onClose={onClose}
      title={String(record?.[title] ?? 'Record')}
      size="md"
    >
      {full.isError && <ProblemNote error={full.error} retry={() => void full.refetch()} />}
      <Fields rows={rows(flat)} />
      {deep.map(([name, value]) => (
        <section key={name} className={css.part}>
          <h3>{labelOf(name)}</h3>
          <Deep name={name} value={value} record={shown as RecordDocument} />
        </section>
      ))}
      <section className={css.part}>
        <Fields rows={rows(kept)} />
      </section>
    </Drawer>
  );
}

/** What the store knows about a record, as against what the record says. */
const keeping = new Set(['id', 'kind', 'version', 'created_at', 'updated_at']);

/** A list of things of one shape is a table; anything else is shown as it is stored. */
function Deep({ name, value, record }: { name: string; value: unknown; record: RecordDocument }) {
  const rows = rowsOf(value);
  const first = rows?.[0];
  if (!rows || !first) return <Json value={value} label={labelOf(name)} />;
  const columns = Object.keys(first);
  const align = (column: string) => (isNumber(column, first[column]) ? (parts.amount ?? '') : '');
  return (
    <div className={parts.scrollX}>
      <Table horizontalSpacing={8} verticalSpacing={5}>
        <Table.Thead>
          <Table.Tr>
            {columns.map((column) => (
              <Table.Th key={column} className={align(column)}>
                {labelOf(column)}
              </Table.Th>
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {rows.map((row, i) => (
            <Table.Tr key={i}>
              {columns.map((column) => (
                <Table.Td key={column} className={align(column)}>
                  <FieldValue
                    name={column}
                    value={row[column]}
                    record={{ ...record, ...row, id: record.id }}
                  />
                </Table.Td>
              ))}
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </div>
  );
}
