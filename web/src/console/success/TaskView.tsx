/** One question with its answer; it closes to a line. */
import { Button, Menu } from '@mantine/core';
import { useState } from 'react';
import * as icons from '../../icons';
import { useBriefRemove, type AccountName, type Brief } from '../api/briefs';
import { taskName } from '../accounts/tasks';
import { complain } from '../conversations/ConversationView';
import { Dialog } from '../parts/Dialog';
import { Icon } from '../parts/Icon';
import { keepFile } from '../parts/keep';
import { Ago, ProblemNote, Tag } from '../parts/parts';
import { IconButton } from '../shell/Shell';
import { Result } from './Result';
import css from './success.module.css';
import { ToolSteps } from './ToolSteps';
import type { Asking, Task } from './useAsk';

export function TaskView({ task, asking }: { task: Task; asking: Asking }) {
  const [removing, setRemoving] = useState(false);
  const { brief } = task;
  const id = task.state === 'done' && brief.stored !== false ? (brief.id ?? null) : null;
  const failed = task.tools.some((tool) => tool.state === 'failed');
  const content = `task-${task.key}`;
  return (
    <article className={css.task} data-task={task.key} data-state={task.state}>
      <header>
        <h2>
          <button
            type="button"
            aria-expanded={task.open}
            aria-controls={content}
            onClick={() => asking.toggle(task.key)}
          >
            <Icon path={task.open ? icons.chevronDown : icons.chevronRight} size={16} />
            <span>{task.question}</span>
          </button>
        </h2>
        <div className={css.taskActs}>
          {id && (brief.scope === 'account' || brief.scope === 'portfolio') && (
            <ExportMenu id={id} brief={brief} />
          )}
          {id && (
            <IconButton
              label="Delete this brief"
              icon={icons.trash}
              onClick={() => setRemoving(true)}
            />
          )}
          {!id && task.state !== 'running' && (
            <IconButton
              label="Put away"
              icon={icons.close}
              onClick={() => asking.remove(task.key)}
            />
          )}
        </div>
        <p className={css.meta}>
          <StateTag task={task} failed={failed} />
          {brief.account && <span>{brief.account.name}</span>}
          {brief.task && task.state === 'done' && brief.scope === 'account' && (
            <span>{taskName(brief.task)}</span>
          )}
          <Ago ms={task.asked_at} />
        </p>
      </header>
      {task.open && (
        <div id={content} className={css.content}>
          <ToolSteps task={task} />
          {task.problem ? <ProblemNote error={task.problem} /> : null}
          {task.state === 'stopped' && (
            <p className={css.said}>Stopped. What was found so far stays here.</p>
          )}
          {id && failed && (
            <div className={css.again}>
              <span>Part of this could not be read.</span>
              <Button
                size="xs"
                variant="default"
                leftSection={<Icon path={icons.restart} size={14} />}
                onClick={() => asking.rerun(task)}
              >
                Run again what failed
              </Button>
            </div>
          )}
          <Result
            brief={brief}
            done={task.state === 'done'}
            onEdit={(change) => asking.edit(task.key, change)}
          />
          {brief.scope === 'which_account' && brief.candidates && (
            <Candidates
              accounts={brief.candidates}
              onPick={(account) => asking.ask(task.question, account, task.language)}
            />
          )}
          {!id && task.state !== 'running' && (
            <div>
              <Button
                size="xs"
                variant="default"
                leftSection={<Icon path={icons.restart} size={14} />}
                onClick={() =>
                  asking.ask(
                    task.question,
                    brief.account?.id ?? task.plan?.account?.id ?? null,
                    task.language,
                  )
                }
              >
                Ask again
              </Button>
            </div>
          )}
        </div>
      )}
      {removing && id && (
        <RemoveDialog
          id={id}
          onClose={() => setRemoving(false)}
          onRemoved={() => asking.remove(task.key)}
        />
      )}
    </article>
  );
}

/** Those that may be meant; of one name they are told apart by their slugs. */
function Candidates({
  accounts,
  onPick,
}: {
  accounts: AccountName[];
  onPick: (account: string) => void;
}) {
  const names = accounts.map((account) => account.name);
  return (
    <div className={css.candidates} role="group" aria-label="Which account?">
      {accounts.map(({ id, slug, name }) => (
        <Button key={id} size="xs" variant="default" onClick={() => onPick(id)}>
          {names.filter((other) => other === name).length > 1 ? `${name} (${slug})` : name}
        </Button>
      ))}
    </div>
  );
}

function StateTag({ task, failed }: { task: Task; failed: boolean }) {
  if (task.state === 'running') return <Tag tone="info">Working</Tag>;
  if (task.state === 'stopped') return <Tag>Stopped</Tag>;
  if (task.state === 'failed' || task.brief.scope === 'failed') return <Tag tone="bad">Failed</Tag>;
  if (task.brief.scope === 'refused') return <Tag>Out of scope</Tag>;
  if (task.brief.scope === 'which_account') return <Tag tone="human">Which account?</Tag>;
  if (failed) return <Tag tone="human">Incomplete</Tag>;
  return (
    <Tag tone="good" icon={icons.check}>
      Done
    </Tag>
  );
}

const formats = [
  { format: 'pptx', label: 'PowerPoint' },
  { format: 'pdf', label: 'PDF' },
  { format: 'html', label: 'Web page' },
  { format: 'md', label: 'Markdown' },
];

function ExportMenu({ id, brief }: { id: string; brief: Partial<Brief> }) {
  const [busy, setBusy] = useState(false);
  const save = (format: string, kind: 'brief' | 'qbr') => {
    setBusy(true);
    keepFile(`/briefs/${id}/export`, { format, kind }, `${kind}.${format}`)
      .catch((error: unknown) => complain('The export did not work', error))
      .finally(() => setBusy(false));
  };
  const group = (kind: 'brief' | 'qbr', title: string) => (
    <>
      <Menu.Label>{title}</Menu.Label>
      {formats.map((row) => (
        <Menu.Item
          key={row.format}
          leftSection={
            <Icon path={row.format === 'pptx' ? icons.slides : icons.download} size={16} />
          }
          onClick={() => save(row.format, kind)}
        >
          {row.label}
        </Menu.Item>
      ))}
    </>
  );
  return (
    <Menu position="bottom-end" width={180}>
      <Menu.Target>
        <Button
          size="xs"
          variant="default"
          loading={busy}
          leftSection={<Icon path={icons.download} size={14} />}
          rightSection={<Icon path={icons.chevronDown} size={13} />}
        >
          Export
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        {group('brief', 'This brief')}
        {brief.scope === 'account' && (
          <>
            <Menu.Divider />
            {group('qbr', 'QBR deck')}
          </>
        )}
      </Menu.Dropdown>
    </Menu>
  );
}

function RemoveDialog(props: { id: string; onClose: () => void; onRemoved: () => void }) {
  const change = useBriefRemove();
  return (
    <Dialog onClose={props.onClose} title="Delete this brief?" size="sm">
      <p className={css.dialogText}>The question and its answer are removed for everybody.</p>
      {change.isError && <ProblemNote error={change.error} />}
      <div className={css.dialogActs}>
        <Button variant="default" onClick={props.onClose}>
          Cancel
        </Button>
        <Button
          color="red"
          loading={change.isPending}
          onClick={() => change.mutate(props.id, { onSuccess: props.onRemoved })}
        >
          Delete
        </Button>
      </div>
    </Dialog>
  );
}
