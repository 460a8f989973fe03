import { Button, Table } from '@mantine/core';
import { Link, useNavigate } from 'react-router-dom';
import * as icons from '../../icons';
import { useAgents } from '../api/queries';
import { Icon } from '../parts/Icon';
import { Ago, Empty, Face, PageFrame, ProblemNote, TableBones, Tag } from '../parts/parts';
import parts from '../parts/parts.module.css';
import { channelOf, plain } from '../parts/words';
import { useSession } from '../shell/session';
import css from './agents.module.css';

export default function AgentsPage() {
  const agents = useAgents();
  const navigate = useNavigate();
  const { may } = useSession();
  const create = may('build') && (
    <Button component={Link} to="/agents/new" leftSection={<Icon path={icons.plus} size={16} />}>
      New agent
    </Button>
  );
  return (
    <PageFrame
      title="Agents"
      note="What each agent says, knows and may do is one YAML text with versions."
      actions={create}
    >
      {agents.isError && <ProblemNote error={agents.error} retry={() => void agents.refetch()} />}
      <div className={parts.sheet}>
        {agents.isPending && <TableBones columns={4} rows={3} />}
        {agents.data?.length === 0 && (
          <Empty icon={icons.spark} title="No agent yet" action={create}>
            Write one from a template; it answers as soon as it is saved.
          </Empty>
        )}
        {!!agents.data?.length && (
          <div className={parts.scrollX}>
            <Table highlightOnHover>
              <Table.Thead>
                <Table.Tr>
                  <Table.Th>Agent</Table.Th>
                  <Table.Th className={parts.extra ?? ''}>Kind</Table.Th>
                  <Table.Th className={parts.extra ?? ''}>Channels</Table.Th>
                  <Table.Th>Version</Table.Th>
                  <Table.Th>Changed</Table.Th>
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {agents.data.map((agent) => (
                  <Table.Tr
                    key={agent.id}
                    className={parts.tableRow ?? ''}
                    onClick={() => navigate(`/agents/${agent.id}`)}
                  >
                    <Table.Td>
                      <span className={css.agentName}>
                        <Face name={agent.name} tone="ai" size={30} />
                        <span>
                          <Link
                            to={`/agents/${agent.id}`}
                            onClick={(event) => event.stopPropagation()}
                          >
                            {agent.name}
                          </Link>
                          <em>{agent.slug}</em>
                        </span>
                      </span>
                    </Table.Td>
                    <Table.Td className={parts.extra ?? ''}>{plain(agent.product_type)}</Table.Td>
                    <Table.Td className={parts.extra ?? ''}>
                      {(agent.channels ?? []).map(channelOf).join(', ') || '–'}
                    </Table.Td>
                    <Table.Td>
                      <Tag>v{agent.active_version}</Tag>
                    </Table.Td>
                    <Table.Td>
                      <Ago ms={agent.updated_at} />
                    </Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          </div>
        )}
      </div>
    </PageFrame>
  );
}
