/** One agent: the editor of its next version, and the versions it had. */
import { Button, Modal, Tabs, Textarea } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useEffect, useState } from 'react';
import { Link, useBlocker, useParams, useSearchParams } from 'react-router-dom';
import * as icons from '../../icons';
import { Problem } from '../api/http';
import { useAgent, useAgentSave, type LoadedAgent } from '../api/queries';
import { Icon } from '../parts/Icon';
import { Bones, Face, ProblemNote, Tag, useTitle } from '../parts/parts';
import { useSession } from '../shell/session';
import css from './agents.module.css';
import { AskPanel } from './AskPanel';
import { ConflictDialog } from './ConflictDialog';
import { EditorPane } from './EditorPane';
import { isDrifted, ToolServers } from './ToolServers';
import { useValidation } from './useValidation';
import { Versions } from './Versions';

export default function AgentPage() {
  const { id = '' } = useParams();
  const loaded = useAgent(id);
  const { org, may } = useSession();
  const [params, setParams] = useSearchParams();
  const tab = params.get('tab') ?? (params.get('version') ? 'versions' : 'editor');
  const agent = loaded.data?.agent;
  const canAsk = agent?.product_type === 'copilot' && (may('serve') || may('build'));
  useTitle(agent?.name ?? 'Agent');

  if (loaded.isError && !loaded.data)
    return <ProblemNote error={loaded.error} retry={() => void loaded.refetch()} />;
  if (!loaded.data || !agent) return <Bones lines={12} />;
  return (
    <Tabs
      className={css.agent ?? ''}
      value={tab}
      onChange={(value) => setParams(value === 'editor' ? {} : { tab: value ?? 'editor' })}
    >
      <header className={css.agentHead}>
        <Link to="/agents" className={css.back} aria-label="Back to the agents">
          <Icon path={icons.back} size={20} />
        </Link>
        <Face name={agent.name} tone="ai" size={34} />
        <div className={css.agentTitle}>
          <h1>{agent.name}</h1>
          <p>
            {agent.product_type} · {agent.slug} <Tag>v{agent.active_version}</Tag>
          </p>
        </div>
        <Tabs.List className={css.agentTabs ?? ''}>
          {canAsk && <Tabs.Tab value="ask">Ask</Tabs.Tab>}
          <Tabs.Tab value="editor">Editor</Tabs.Tab>
          <Tabs.Tab value="versions">Versions</Tabs.Tab>
          {agent.mcp_servers && (
            <Tabs.Tab value="servers">
              Tool servers {isDrifted(agent.mcp_servers) && <Tag tone="bad">changed</Tag>}
            </Tabs.Tab>
          )}
        </Tabs.List>
        {agent.product_type === 'chatbot' && (
          <Button
            component="a"
            href={`/chat/${org.slug}/${agent.slug}`}
            target="_blank"
            variant="default"
            size="xs"
            className={css.wideOnly ?? ''}
            rightSection={<Icon path={icons.external} size={14} />}
          >
            Open chat
          </Button>
        )}
      </header>
      {/* The editor stays mounted, so that looking at versions loses nothing. */}
      <Tabs.Panel value="editor" keepMounted className={css.tabBody ?? ''}>
        <Editor key={id} loaded={loaded.data} />
      </Tabs.Panel>
      {canAsk && (
        <Tabs.Panel value="ask" className={css.tabBody ?? ''}>
          <AskPanel agent={agent} />
        </Tabs.Panel>
      )}
      <Tabs.Panel value="versions" className={css.tabBody ?? ''}>
        <Versions agent={agent} />
      </Tabs.Panel>
      {agent.mcp_servers && (
        <Tabs.Panel value="servers" className={css.tabBody ?? ''}>
          <ToolServers loaded={loaded.data} />
        </Tabs.Panel>
      )}
    </Tabs>
  );
}

function Editor({ loaded }: { loaded: LoadedAgent }) {
  const [base, setBase] = useState(loaded);
  const [text, setText] = useState(loaded.agent.yaml ?? '');
  const [saving, setSaving] = useState(false);
  const [conflict, setConflict] = useState<string | null>(null);
  const { may } = useSession();
  const validation = useValidation(text);
  const save = useAgentSave(loaded.agent.id);
  const changed = text !== (base.agent.yaml ?? '');
  const invalid = validation.problems.some((problem) => problem.severity === 'error');
  const newer = loaded.agent.active_version > base.agent.active_version;

  // Without changes of one's own a newer version simply appears.
  useEffect(() => {
    if (!changed && loaded.agent.active_version !== base.agent.active_version) {
      setBase(loaded);
      setText(loaded.agent.yaml ?? '');
    }
  }, [loaded, changed, base.agent.active_version]);

  useEffect(() => {
    if (!changed) return undefined;
    const ask = (event: BeforeUnloadEvent) => event.preventDefault();
    addEventListener('beforeunload', ask);
    return () => removeEventListener('beforeunload', ask);
  }, [changed]);

  function submit(message: string, etag: string) {
    save.mutate(
      { yaml: text, message, etag },
      {
        onSuccess: (now) => {
          setBase(now);
          setSaving(false);
          setConflict(null);
          notifications.show({
            title: `Version ${now.agent.active_version} is live`,
            message: 'New conversations use it from now on; running ones keep theirs.',
          });
        },
        onError: (error) => {
          if (error instanceof Problem && (error.status === 409 || error.status === 412)) {
            setSaving(false);
            setConflict(message);
          }
        },
      },
    );
  }

  const bar = !may('build') ? (
    <span className={css.quiet}>Your role lets you read agents, not change them.</span>
  ) : (
    <div className={css.saveBar}>
      {newer && changed && (
        <span className={css.hint}>Version {loaded.agent.active_version} was saved meanwhile</span>
      )}
      {changed && (
        <Button size="xs" variant="default" onClick={() => setText(base.agent.yaml ?? '')}>
          Discard
        </Button>
      )}
      <Button size="xs" disabled={!changed || invalid} onClick={() => setSaving(true)}>
        Save version
      </Button>
    </div>
  );
  return (
    <>
      <EditorPane
        value={text}
        onChange={setText}
        validation={validation}
        bar={bar}
        readOnly={!may('build')}
        onSave={() => changed && !invalid && setSaving(true)}
      />
      <SaveDialog
        opened={saving}
        onClose={() => setSaving(false)}
        busy={save.isPending}
        error={save.error}
        title={`Save version ${base.agent.active_version + 1}`}
        onSave={(message) => submit(message, base.etag)}
      />
      {conflict !== null && (
        <ConflictDialog
          agentId={loaded.agent.id}
          mine={text}
          busy={save.isPending}
          onClose={() => setConflict(null)}
          onKeepMine={(etag) => submit(conflict, etag)}
          onTakeTheirs={(theirs) => {
            setBase(theirs);
            setText(theirs.agent.yaml ?? '');
            setConflict(null);
          }}
        />
      )}
      <LeaveGuard when={changed} />
    </>
  );
}

interface SaveProps {
  opened: boolean;
  onClose: () => void;
  busy: boolean;
  error: unknown;
  title: string;
  onSave: (message: string) => void;
}

export function SaveDialog({ opened, onClose, busy, error, title, onSave }: SaveProps) {
  const [message, setMessage] = useState('');
  return (
    <Modal opened={opened} onClose={onClose} title={title} size="md">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (message.trim()) onSave(message.trim());
        }}
      >
        <Textarea
          label="What has changed, and why?"
          required
          withAsterisk={false}
          autosize
          minRows={2}
          maxLength={500}
          value={message}
          onChange={(event) => setMessage(event.currentTarget.value)}
          data-autofocus
        />
        {error !== null && <ProblemNote error={error} />}
        <div className={css.dialogActs}>
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" loading={busy} disabled={!message.trim()}>
            Save
          </Button>
        </div>
      </form>
    </Modal>
  );
}

/** Asks before unsaved text is left behind. */
export function LeaveGuard({ when }: { when: boolean }) {
  const blocker = useBlocker(
    ({ currentLocation, nextLocation }) =>
      when && currentLocation.pathname !== nextLocation.pathname,
  );
  return (
    <Modal
      opened={blocker.state === 'blocked'}
      onClose={() => blocker.reset?.()}
      title="Leave without saving?"
      size="sm"
    >
      <p className={css.dialogText}>What you changed in the YAML is lost.</p>
      <div className={css.dialogActs}>
        <Button variant="default" onClick={() => blocker.reset?.()}>
          Stay
        </Button>
        <Button color="red" onClick={() => blocker.proceed?.()}>
          Leave
        </Button>
      </div>
    </Modal>
  );
}
