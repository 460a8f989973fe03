/** A secret that was just made, to be copied now: nobody can read it again. */
import { Button, CopyButton } from '@mantine/core';
import * as icons from '../../icons';
import { Dialog } from '../parts/Dialog';
import { Icon } from '../parts/Icon';
import parts from '../parts/parts.module.css';
import css from './settings.module.css';

export function Secret({
  made,
  onClose,
}: {
  made: { name: string; secret: string };
  onClose: () => void;
}) {
  return (
    <Dialog
      onClose={onClose}
      title={`The secret of “${made.name}”`}
      size="md"
      closeOnClickOutside={false}
    >
      <p className={parts.dialogText}>Copy it now and keep it safe. It is not shown again.</p>
      <p className={css.secret} tabIndex={0}>
        {made.secret}
      </p>
      <div className={parts.dialogActs}>
        <CopyButton value={made.secret}>
          {({ copied, copy }) => (
            <Button
              variant="default"
              leftSection={<Icon path={copied ? icons.check : icons.copy} size={15} />}
              onClick={copy}
            >
              {copied ? 'Copied' : 'Copy'}
            </Button>
          )}
        </CopyButton>
        <Button onClick={onClose}>I have kept it</Button>
      </div>
    </Dialog>
  );
}
