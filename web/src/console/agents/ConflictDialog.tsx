/** Somebody saved a version in between: shows both texts and lets the member decide. */
import { Button } from '@mantine/core';
import { lazy, Suspense, useEffect, useState } from 'react';
import { request } from '../api/http';
import type { LoadedAgent } from '../api/queries';
import type { Agent } from '../api/types';
import { Dialog } from '../parts/Dialog';
import { Bones, ProblemNote } from '../parts/parts';
import css from './agents.module.css';

const DiffView = lazy(() => import('./DiffView'));

interface Props {
  agentId: string;
  mine: string;
  busy: boolean;
  onClose: () => void;
  onKeepMine: (etag: string) => void;
  onTakeTheirs: (theirs: LoadedAgent) => void;
}

export function ConflictDialog({ agentId, mine, busy, onClose, onKeepMine, onTakeTheirs }: Props) {
  const [theirs, setTheirs] = useState<LoadedAgent | null>(null);
  const [error, setError] = useState<unknown>(null);
  useEffect(() => {
    request<Agent>('GET', `/agents/${agentId}`, {}).then(
      ({ value, etag }) => setTheirs({ agent: value, etag: etag ?? `"v${value.active_version}"` }),
      setError,
    );
  }, [agentId]);
  return (
    <Dialog
      onClose={onClose}
      size="xl"
      title={
        theirs
          ? `Version ${theirs.agent.active_version} was saved in the meantime`
          : 'A newer version was saved in the meantime'
      }
    >
      <p className={css.dialogText}>Below is what saving your text on top of it would change.</p>
      {error !== null && <ProblemNote error={error} />}
      <div className={css.conflictDiff}>
        {theirs ? (
          <Suspense fallback={<Bones lines={8} />}>
            <DiffView before={theirs.agent.yaml ?? ''} after={mine} sideBySide={false} />
          </Suspense>
        ) : (
          <Bones lines={8} />
        )}
      </div>
      <div className={css.dialogActs}>
        <Button variant="default" onClick={onClose}>
          Go on editing
        </Button>
        <Button variant="default" disabled={!theirs} onClick={() => theirs && onTakeTheirs(theirs)}>
          Take theirs, drop mine
        </Button>
        <Button disabled={!theirs} loading={busy} onClick={() => theirs && onKeepMine(theirs.etag)}>
          Save mine as version {theirs ? theirs.agent.active_version + 1 : ''}
        </Button>
      </div>
    </Dialog>
  );
}
