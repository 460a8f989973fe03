/** The versions of an agent, what lies between any two of them, and the way back to an earlier one. */
import { Button, Modal, SegmentedControl, Select, Textarea } from '@mantine/core';
import { useMediaQuery } from '@mantine/hooks';
import { notifications } from '@mantine/notifications';
import { lazy, Suspense, useState } from 'react';
import { useSearchParams } from 'react-router-dom';
import * as icons from '../../icons';
import { useDiff, useRollback, useVersion, useVersions } from '../api/queries';
import type { Agent, AgentVersion } from '../api/types';
import { Icon } from '../parts/Icon';
import { Ago, Bones, ProblemNote, Tag } from '../parts/parts';
import { nameOf, plural } from '../parts/words';
import { useSession } from '../shell/session';
import css from './agents.module.css';

const DiffView = lazy(() => import('./DiffView'));
const YamlEditor = lazy(() => import('./YamlEditor'));

export function Versions({ agent }: { agent: Agent }) {
  const versions = useVersions(agent.id);
  const [params, setParams] = useSearchParams();
  const chosen = Number(params.get('version')) || agent.active_version;
  const before = params.has('from') ? Number(params.get('from')) : chosen - 1;
  const choose = (version: number, from?: number) =>
    setParams(
      {
        tab: 'versions',
        version: String(version),
        ...(from === undefined ? {} : { from: String(from) }),
      },
      { replace: true },
    );
  if (versions.isPending) return <Bones lines={8} />;
  if (versions.isError)
    return <ProblemNote error={versions.error} retry={() => void versions.refetch()} />;
  const current = versions.data.find((v) => v.version === chosen) ?? versions.data[0];
  if (!current) return null;
  return (
    <div className={css.versions}>
      <nav aria-label="Versions" className={css.versionList}>
        <ol>
          {versions.data.map((version) => (
            <li key={version.version}>
              <button
                type="button"
                aria-current={version.version === current.version ? 'true' : undefined}
                onClick={() => choose(version.version)}
              >
                <span className={css.versionTop}>
                  <strong>Version {version.version}</strong>
                  <StatusTag status={version.status} />
                  <Ago ms={version.created_at} />
                </span>
                <span className={css.versionMessage}>{version.message || 'Without a message'}</span>
                <span className={css.versionBy}>
                  {nameOf(version.author)} · <code>{version.sha256.slice(0, 10)}</code>
                </span>
              </button>
            </li>
          ))}
        </ol>
      </nav>
      <VersionDetail
        agent={agent}
        version={current}
        before={before}
        all={versions.data}
        choose={choose}
      />
    </div>
  );
}

function StatusTag({ status }: { status: string }) {
  if (status === 'active') return <Tag tone="good">live</Tag>;
  if (status === 'superseded') return null;
  return <Tag tone={status === 'rolled_back' ? 'bad' : 'plain'}>{status.replace(/_/g, ' ')}</Tag>;
}

interface DetailProps {
  agent: Agent;
  version: AgentVersion;
  before: number;
  all: AgentVersion[];
  choose: (version: number, from?: number) => void;
}

function VersionDetail({ agent, version, before, all, choose }: DetailProps) {
  const other = all.some((v) => v.version === before && before !== version.version) ? before : null;
  const now = useVersion(agent.id, version.version);
  const then = useVersion(agent.id, other);
  const narrow = useMediaQuery('(max-width: 1100px)', false, { getInitialValueInEffect: false });
  const [look, setLook] = useState<'split' | 'unified' | 'text'>(narrow ? 'unified' : 'split');
  const [rolling, setRolling] = useState(false);
  const { may } = useSession();
  const shown = other === null ? 'text' : look;
  return (
    <section className={css.versionDetail} aria-label={`Version ${version.version}`}>
      <div className={css.versionBar}>
        <Select
          size="xs"
          aria-label="Compare with"
          w={190}
          value={other === null ? null : String(other)}
          placeholder="Nothing to compare with"
          data={all
            .filter((v) => v.version !== version.version)
            .map((v) => ({
              value: String(v.version),
              label: `Compared with version ${v.version}`,
            }))}
          onChange={(value) => value && choose(version.version, Number(value))}
          disabled={all.length < 2}
        />
        <SegmentedControl
          aria-label="Show as"
          value={shown}
          disabled={other === null}
          onChange={(value) => setLook(value as typeof look)}
          data={[
            { value: 'split', label: 'Side by side' },
            { value: 'unified', label: 'One column' },
            { value: 'text', label: 'Text' },
          ]}
        />
        <span className={css.grow} />
        {version.version !== agent.active_version && may('build') && (
          <Button
            size="xs"
            variant="default"
            leftSection={<Icon path={icons.history} size={15} />}
            onClick={() => setRolling(true)}
          >
            Roll back to this version
          </Button>
        )}
      </div>
      {other !== null && (
        <Changes
          agentId={agent.id}
          from={Math.min(other, version.version)}
          to={Math.max(other, version.version)}
        />
      )}
      {(now.isError || then.isError) && (
        <ProblemNote
          error={now.error ?? then.error}
          retry={() => {
            void now.refetch();
            void then.refetch();
          }}
        />
      )}
      <div className={css.diff}>
        <Suspense fallback={<Bones lines={12} />}>
          {!now.data || (other !== null && !then.data) ? (
            <Bones lines={12} />
          ) : shown === 'text' ? (
            <YamlEditor
              value={now.data.yaml ?? ''}
              readOnly
              label={`YAML of version ${version.version}`}
            />
          ) : (
            <DiffView
              before={
                (other !== null && other < version.version ? then.data?.yaml : now.data.yaml) ?? ''
              }
              after={
                (other !== null && other < version.version ? now.data.yaml : then.data?.yaml) ?? ''
              }
              sideBySide={shown === 'split'}
            />
          )}
        </Suspense>
      </div>
      <RollbackDialog
        agent={agent}
        version={version}
        opened={rolling}
        onClose={() => setRolling(false)}
        onDone={(n) => choose(n)}
      />
    </section>
  );
}

const signs = { added: '+', removed: '−', changed: '~' } as const;

/** The same difference in words: which settings changed, by path. */
function Changes({ agentId, from, to }: { agentId: string; from: number; to: number }) {
  const diff = useDiff(agentId, from, to);
  const changes = diff.data?.changes ?? [];
  if (changes.length === 0) return null;
  const short = (value: unknown) => {
    const text = typeof value === 'string' ? value : JSON.stringify(value);
    return text === undefined ? '' : text.length > 60 ? `${text.slice(0, 60)}…` : text;
  };
  return (
    <details className={css.changes}>
      <summary>
        {plural(changes.length, 'setting')} changed from version {from} to {to}
      </summary>
      <ul>
        {changes.map((change) => (
          <li key={change.path + change.kind} data-kind={change.kind}>
            <b aria-label={change.kind}>{signs[change.kind]}</b>
            <code>{change.path}</code>
            {change.kind !== 'added' && change.old !== undefined && <del>{short(change.old)}</del>}
            {change.kind !== 'removed' && change.new !== undefined && (
              <ins>{short(change.new)}</ins>
            )}
          </li>
        ))}
      </ul>
    </details>
  );
}

interface RollbackProps {
  agent: Agent;
  version: AgentVersion;
  opened: boolean;
  onClose: () => void;
  onDone: (version: number) => void;
}

function RollbackDialog({ agent, version, opened, onClose, onDone }: RollbackProps) {
  const [reason, setReason] = useState('');
  const rollback = useRollback(agent.id);
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      title={`Roll back to version ${version.version}?`}
      size="md"
    >
      <form
        onSubmit={(event) => {
          event.preventDefault();
          rollback.mutate(
            { version: version.version, reason: reason.trim() },
            {
              onSuccess: (now) => {
                onClose();
                onDone(now.active_version);
                notifications.show({
                  title: `Rolled back to version ${version.version}`,
                  message: `Its text is live again as version ${now.active_version}.`,
                });
              },
            },
          );
        }}
      >
        <p className={css.dialogText}>
          Its text becomes a new version. New conversations use it at once; running ones keep the
          version they began with.
        </p>
        <Textarea
          label="Reason"
          required
          withAsterisk={false}
          autosize
          minRows={2}
          maxLength={500}
          value={reason}
          onChange={(event) => setReason(event.currentTarget.value)}
          data-autofocus
        />
        {rollback.isError && <ProblemNote error={rollback.error} />}
        <div className={css.dialogActs}>
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" loading={rollback.isPending} disabled={!reason.trim()}>
            Roll back
          </Button>
        </div>
      </form>
    </Modal>
  );
}
