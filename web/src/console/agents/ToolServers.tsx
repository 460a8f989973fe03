/** The tool servers of an agent: whether they answer, and whether their tools are what was approved. */
import { Button } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useAgentSave, type LoadedAgent } from '../api/queries';
import type { ToolServer, ToolStanding } from '../api/types';
import { Ago, ProblemNote, Tag, type Tone } from '../parts/parts';
import { plural } from '../parts/words';
import { useSession } from '../shell/session';
import css from './agents.module.css';

const standings: Record<ToolStanding, [Tone, string]> = {
  same: ['good', 'as approved'],
  changed: ['bad', 'changed: calls are refused'],
  removed: ['bad', 'no longer offered'],
  unknown: ['plain', 'not asked yet'],
};
const states: Record<ToolServer['state'], [Tone, string]> = {
  open: ['good', 'connected'],
  idle: ['plain', 'not connected'],
  failing: ['bad', 'failing'],
};

export function isDrifted(servers: ToolServer[] = []): boolean {
  return servers.some((server) =>
    server.tools.some((tool) => tool.status === 'changed' || tool.status === 'removed'),
  );
}

export function ToolServers({ loaded }: { loaded: LoadedAgent }) {
  const { may } = useSession();
  const save = useAgentSave(loaded.agent.id);
  const servers = loaded.agent.mcp_servers ?? [];
  const drifted = isDrifted(servers);

  function approve() {
    save.mutate(
      {
        yaml: loaded.agent.yaml ?? '',
        message: 'Tools approved as their servers describe them now',
        etag: loaded.etag,
      },
      {
        onSuccess: (now) =>
          notifications.show({
            title: `Version ${now.agent.active_version} is live`,
            message: 'It pins the tools as their servers describe them now.',
          }),
      },
    );
  }

  return (
    <div className={css.servers}>
      {drifted && (
        <div className={css.drift} role="status">
          <p>
            A server describes a tool differently than when this version was approved. Calls of it
            are refused until somebody has looked and approved it.
          </p>
          {may('build') && (
            <Button size="xs" loading={save.isPending} onClick={approve}>
              Approve as they are now
            </Button>
          )}
        </div>
      )}
      {save.isError && <ProblemNote error={save.error} />}
      {servers.map((server) => (
        <Server key={server.name} server={server} />
      ))}
    </div>
  );
}

function Server({ server }: { server: ToolServer }) {
  const [tone, word] = states[server.state];
  return (
    <section aria-label={server.name}>
      <h2>
        {server.name} <Tag tone={tone}>{word}</Tag>
        {server.revision && <Tag>MCP {server.revision}</Tag>}
      </h2>
      <p className={css.quiet}>
        {plural(server.tools.length, 'tool')}
        {server.listed_at !== undefined && (
          <>
            , last listed <Ago ms={server.listed_at} />
          </>
        )}
        {server.error && <>; {server.error}</>}
      </p>
      <ul className={css.serverTools}>
        {server.tools.map((tool) => (
          <li key={tool.name}>
            <code>{tool.name}</code>
            <span className={css.quiet}>{tool.asks ? 'asks first' : 'used without asking'}</span>
            <span>
              <Tag tone={standings[tool.status][0]}>{standings[tool.status][1]}</Tag>
            </span>
            {tool.changes && (
              <dl className={css.changes}>
                {tool.changes.map((change) => (
                  <div key={change.path}>
                    <dt>{change.path}</dt>
                    <dd>
                      <del>{wordsOf(change.old)}</del> <ins>{wordsOf(change.new)}</ins>
                    </dd>
                  </div>
                ))}
              </dl>
            )}
          </li>
        ))}
      </ul>
    </section>
  );
}

function wordsOf(value: unknown): string {
  if (value === undefined || value === null) return '';
  return typeof value === 'string' ? value : JSON.stringify(value);
}
