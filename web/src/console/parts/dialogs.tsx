/** The two kinds of dialog that change something: a form, and a question before what is done. */
import { Button } from '@mantine/core';
import type { ReactNode } from 'react';
import { Dialog } from './Dialog';
import { ProblemNote } from './parts';
import css from './parts.module.css';

/** A change under way, as api/queries.ts has them. */
interface Change {
  isError: boolean;
  isPending: boolean;
  error: unknown;
}

interface FormProps {
  title: string;
  change: Change;
  /** What its button says. */
  verb: string;
  ready: boolean;
  onClose: () => void;
  onSubmit: () => void;
  children: ReactNode;
}

export function FormDialog({ title, change, verb, ready, onClose, onSubmit, children }: FormProps) {
  return (
    <Dialog onClose={onClose} title={title} size="sm">
      <form
        className={css.form}
        onSubmit={(event) => {
          event.preventDefault();
          onSubmit();
        }}
      >
        {children}
        {change.isError && <ProblemNote error={change.error} />}
        <div className={css.dialogActs}>
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" loading={change.isPending} disabled={!ready}>
            {verb}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

interface AskProps {
  title: string;
  change: Change;
  verb: string;
  /** Cannot be undone. */
  red?: boolean;
  onClose: () => void;
  onSure: () => void;
  children: ReactNode;
}

export function AskFirst({ title, change, verb, red, onClose, onSure, children }: AskProps) {
  return (
    <Dialog onClose={onClose} title={title} size="sm">
      <p className={css.dialogText}>{children}</p>
      {change.isError && <ProblemNote error={change.error} />}
      <div className={css.dialogActs}>
        <Button variant="default" onClick={onClose}>
          Cancel
        </Button>
        <Button color={red ? 'red' : 'pine'} loading={change.isPending} onClick={onSure}>
          {verb}
        </Button>
      </div>
    </Dialog>
  );
}
