/** Who did what. Each entry carries the hash of the one before, so that none can be taken out. */
import { Table } from '@mantine/core';
import { useState } from 'react';
import * as icons from '../../icons';
import { useAudit } from '../api/queries';
import type { AuditEntry } from '../api/types';
import { Icon } from '../parts/Icon';
import { Json } from '../parts/Json';
import { ListTable } from '../parts/ListTable';
import { Empty, ProblemNote } from '../parts/parts';
import parts from '../parts/parts.module.css';
import { fullTimeOf, plain } from '../parts/words';
import css from './settings.module.css';

export function AuditLog() {
  const audit = useAudit();
  const [open, setOpen] = useState<string | null>(null);
  if (audit.isError) return <ProblemNote error={audit.error} retry={() => void audit.refetch()} />;
  return (
    <ListTable
      list={audit}
      head={['When', 'Who', 'What', { label: 'On', className: parts.extra ?? '' }]}
      bones={{ rows: 8 }}
      empty={<Empty icon={icons.shield} title="Nothing recorded yet" />}
      row={(entry) => {
        const key = String(entry.seq);
        return (
          <Rows
            key={key}
            entry={entry}
            open={open === key}
            toggle={() => setOpen(open === key ? null : key)}
          />
        );
      }}
    />
  );
}

function Rows({ entry, open, toggle }: { entry: AuditEntry; open: boolean; toggle: () => void }) {
  return (
    <>
      <Table.Tr className={parts.tableRow ?? ''} onClick={toggle}>
        <Table.Td className={css.nowrap ?? ''}>
          <button type="button" className={css.toggle} aria-expanded={open} aria-label="Details">
            <Icon path={open ? icons.chevronDown : icons.chevronRight} size={14} />
          </button>
          {fullTimeOf(entry.at)}
        </Table.Td>
        <Table.Td>{entry.actor_name || plain(entry.actor_kind)}</Table.Td>
        <Table.Td>{plain(entry.action)}</Table.Td>
        <Table.Td className={parts.extra ?? ''}>
          <code className={parts.mono}>{entry.resource ?? '–'}</code>
        </Table.Td>
      </Table.Tr>
      {open && (
        <Table.Tr>
          <Table.Td colSpan={4}>
            <Json value={entry} label="audit entry" />
          </Table.Td>
        </Table.Tr>
      )}
    </>
  );
}
