/**
 * A list in a table, page by page: bones while it loads, a word where it is empty, the rows, and more
 * of them as one scrolls. Each row may have a menu of what can be done with it.
 */
import { Button, Menu, Table } from '@mantine/core';
import type { ReactNode } from 'react';
import * as icons from '../../icons';
import { Icon } from './Icon';
import { More, TableBones } from './parts';
import parts from './parts.module.css';

/** As the lists of api/queries.ts are. */
interface Listed<T> {
  items: T[] | undefined;
  isPending: boolean;
  hasNextPage: boolean;
  isFetchingNextPage: boolean;
  fetchNextPage: () => unknown;
}
interface Head {
  label: ReactNode;
  className?: string;
}
interface Props<T> {
  list: Listed<T>;
  head: (string | Head)[];
  /** A last column for menus. */
  acts?: boolean;
  /** Rows that open something. */
  opens?: boolean;
  bones?: { columns?: number; rows: number };
  empty: ReactNode;
  row: (item: T) => ReactNode;
  children?: ReactNode;
}

export function ListTable<T>({ list, head, acts, opens, bones, empty, row, children }: Props<T>) {
  return (
    <div className={parts.sheet}>
      {list.isPending && <TableBones columns={bones?.columns ?? head.length} rows={bones?.rows} />}
      {list.items?.length === 0 && empty}
      {!!list.items?.length && (
        <div className={parts.scrollX}>
          <Table highlightOnHover={opens ?? false}>
            <Table.Thead>
              <Table.Tr>
                {head.map((column, i) => {
                  const { label, className } =
                    typeof column === 'string' ? { label: column, className: '' } : column;
                  return (
                    <Table.Th key={i} className={className ?? ''}>
                      {label}
                    </Table.Th>
                  );
                })}
                {acts && <Table.Th aria-label="Actions" />}
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>{list.items.map(row)}</Table.Tbody>
          </Table>
        </div>
      )}
      <More
        has={list.hasNextPage}
        busy={list.isFetchingNextPage}
        load={() => void list.fetchNextPage()}
      />
      {children}
    </div>
  );
}

export interface Act {
  label: string;
  /** Cannot be undone. */
  red?: boolean;
  icon?: string;
  disabled?: boolean;
  onClick: () => void;
}

/** The cell with the menu of a row. */
export function RowMenu({ name, children }: { name: string; children: ReactNode }) {
  return (
    <Table.Td w={48} onClick={(event) => event.stopPropagation()}>
      <Menu position="bottom-end">
        <Menu.Target>
          <Button
            variant="subtle"
            color="gray"
            size="compact-xs"
            px={4}
            aria-label={`Actions for ${name}`}
          >
            <Icon path={icons.more} size={18} />
          </Button>
        </Menu.Target>
        <Menu.Dropdown>{children}</Menu.Dropdown>
      </Menu>
    </Table.Td>
  );
}

export function RowActs({ name, acts }: { name: string; acts: Act[] }) {
  return (
    <RowMenu name={name}>
      {acts.map((act) => (
        <Menu.Item
          key={act.label}
          {...(act.red ? { color: 'red' } : {})}
          leftSection={act.icon && <Icon path={act.icon} size={16} />}
          disabled={act.disabled ?? false}
          onClick={act.onClick}
        >
          {act.label}
        </Menu.Item>
      ))}
    </RowMenu>
  );
}
