import { Tabs } from '@mantine/core';
import { useNavigate, useParams } from 'react-router-dom';
import { PageFrame } from '../parts/parts';
import { useSession } from '../shell/session';
import { AuditLog } from './AuditLog';
import { Keys } from './Keys';
import { Members } from './Members';
import { Success } from './Success';
import { ToolClients } from './ToolClients';

export default function SettingsPage() {
  const { tab = 'members' } = useParams();
  const { org, may } = useSession();
  const navigate = useNavigate();
  return (
    <PageFrame title="Settings" note={`Who and what may work in ${org.name}.`}>
      <Tabs value={tab} onChange={(value) => navigate(`/settings/${value}`)}>
        <Tabs.List mb="md">
          <Tabs.Tab value="members">Members</Tabs.Tab>
          {may('keys') && <Tabs.Tab value="keys">API keys</Tabs.Tab>}
          {may('tools') && <Tabs.Tab value="tools">Tool clients</Tabs.Tab>}
          <Tabs.Tab value="success">Success copilot</Tabs.Tab>
          {may('audit') && <Tabs.Tab value="audit">Audit log</Tabs.Tab>}
        </Tabs.List>
        <Tabs.Panel value="members">
          <Members />
        </Tabs.Panel>
        <Tabs.Panel value="keys">
          <Keys />
        </Tabs.Panel>
        <Tabs.Panel value="tools">
          <ToolClients />
        </Tabs.Panel>
        <Tabs.Panel value="success">
          <Success />
        </Tabs.Panel>
        <Tabs.Panel value="audit">
          <AuditLog />
        </Tabs.Panel>
      </Tabs>
    </PageFrame>
  );
}
