/** The documents agents answer from: list, import, and a search that shows why a passage is found. */
import { Button, Drawer, Modal, Table, Tabs } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import * as icons from '../../icons';
import { remove } from '../api/http';
import { useDocument, useDocuments } from '../api/queries';
import type { KnowledgeDocument } from '../api/types';
import { AskFirst } from '../parts/dialogs';
import { Icon } from '../parts/Icon';
import { ListTable, RowActs } from '../parts/ListTable';
import { Ago, Bones, Empty, Fields, PageFrame, ProblemNote, Tag } from '../parts/parts';
import parts from '../parts/parts.module.css';
import { bytesOf, plain, plural } from '../parts/words';
import { ImportPanel } from './ImportPanel';
import css from './knowledge.module.css';
import { safeAddress } from '../../widget/markdown';
import { useSession } from '../shell/session';
import { SearchTester } from './SearchTester';

export default function KnowledgePage() {
  const [tab, setTab] = useState<string | null>('documents');
  const [importing, setImporting] = useState(false);
  const { may } = useSession();
  const [shown, setShown] = useState<string | null>(null);
  return (
    <PageFrame
      title="Knowledge"
      note="Agents answer from these documents and cite the passages they used."
      actions={
        may('import') && (
          <Button
            leftSection={<Icon path={icons.upload} size={16} />}
            onClick={() => setImporting(true)}
          >
            Import
          </Button>
        )
      }
    >
      <Tabs value={tab} onChange={setTab}>
        <Tabs.List mb="md">
          <Tabs.Tab value="documents">Documents</Tabs.Tab>
          <Tabs.Tab value="search">Try a search</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="documents">
          <Documents open={setShown} startImport={() => setImporting(true)} />
        </Tabs.Panel>
        <Tabs.Panel value="search">
          <SearchTester open={setShown} />
        </Tabs.Panel>
      </Tabs>
      <Modal
        opened={importing}
        onClose={() => setImporting(false)}
        title="Import documents"
        size="lg"
      >
        <ImportPanel />
      </Modal>
      <DocumentDrawer id={shown} onClose={() => setShown(null)} />
    </PageFrame>
  );
}

const kinds: Record<string, string> = {
  'text/markdown': 'Markdown',
  'text/html': 'HTML',
  'text/plain': 'Text',
  'text/csv': 'CSV',
};

function Documents({ open, startImport }: { open: (id: string) => void; startImport: () => void }) {
  const documents = useDocuments();
  const queries = useQueryClient();
  const { may } = useSession();
  const [deleting, setDeleting] = useState<KnowledgeDocument | null>(null);
  const change = useMutation({
    mutationFn: (id: string) => remove(`/documents/${id}`),
    onSettled: () => void queries.invalidateQueries({ queryKey: ['documents'] }),
  });
  if (documents.isError)
    return <ProblemNote error={documents.error} retry={() => void documents.refetch()} />;
  return (
    <ListTable
      list={documents}
      head={[
        'Title',
        ...['Namespace', 'Kind', 'Passages'].map((label) => ({
          label,
          className: parts.extra ?? '',
        })),
        'Changed',
      ]}
      acts={may('build')}
      opens
      bones={{ columns: 4, rows: 6 }}
      empty={
        <Empty
          icon={icons.book}
          title="No documents yet"
          action={may('import') && <Button onClick={startImport}>Import</Button>}
        >
          Import Markdown, HTML, text or CSV files, and agents answer from them at once.
        </Empty>
      }
      row={(document) => (
        <Table.Tr
          key={document.id}
          className={parts.tableRow ?? ''}
          onClick={() => open(document.id)}
        >
          <Table.Td>
            <button type="button" className={parts.rowButton}>
              {document.title}
            </button>
            {document.status && !['indexed', 'ready', 'active'].includes(document.status) && (
              <>
                {' '}
                <Tag tone={document.status === 'failed' ? 'bad' : 'info'}>
                  {plain(document.status)}
                </Tag>
              </>
            )}
          </Table.Td>
          <Table.Td className={parts.extra ?? ''}>{document.namespace}</Table.Td>
          <Table.Td className={parts.extra ?? ''}>
            {kinds[document.media_type] ?? document.media_type}
          </Table.Td>
          <Table.Td className={parts.extra ?? ''}>{document.chunk_count ?? '–'}</Table.Td>
          <Table.Td>
            {document.updated_at || document.created_at ? (
              <Ago ms={(document.updated_at ?? document.created_at) as number} />
            ) : (
              '–'
            )}
          </Table.Td>
          {may('build') && (
            <RowActs
              name={document.title}
              acts={[
                {
                  label: 'Delete…',
                  red: true,
                  icon: icons.trash,
                  onClick: () => setDeleting(document),
                },
              ]}
            />
          )}
        </Table.Tr>
      )}
    >
      {deleting && (
        <AskFirst
          title="Delete this document?"
          verb="Delete"
          red
          change={change}
          onClose={() => setDeleting(null)}
          onSure={() => change.mutate(deleting.id, { onSuccess: () => setDeleting(null) })}
        >
          Agents stop answering from “{deleting.title}”. Answers already given keep their citations.
        </AskFirst>
      )}
    </ListTable>
  );
}

/** A document's address is what somebody wrote: a link only when it is one. */
function Address({ url }: { url: string }) {
  const address = safeAddress(url);
  return address ? (
    <a href={address} target="_blank" rel="noopener noreferrer">
      {url}
    </a>
  ) : (
    <>{url}</>
  );
}

function DocumentDrawer({ id, onClose }: { id: string | null; onClose: () => void }) {
  const document = useDocument(id);
  return (
    <Drawer
      opened={id !== null}
      onClose={onClose}
      size="lg"
      title={document.data?.title ?? 'Document'}
    >
      {document.isError && (
        <ProblemNote error={document.error} retry={() => void document.refetch()} />
      )}
      {document.isPending && <Bones lines={10} />}
      {document.data && (
        <>
          <Fields
            rows={[
              ['Namespace', document.data.namespace],
              ['Kind', kinds[document.data.media_type] ?? document.data.media_type],
              ['Size', document.data.size_bytes !== undefined && bytesOf(document.data.size_bytes)],
              [
                'Passages',
                document.data.chunk_count && plural(document.data.chunk_count, 'passage'),
              ],
              ['Address', document.data.source_url && <Address url={document.data.source_url} />],
            ]}
          />
          {document.data.text && <div className={css.text}>{document.data.text}</div>}
        </>
      )}
    </Drawer>
  );
}
