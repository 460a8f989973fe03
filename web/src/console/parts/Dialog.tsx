/** A dialog that exists only while it is open; the focus then goes back to what opened it. */
import { Modal, type ModalProps } from '@mantine/core';
import { useEffect, useState } from 'react';

export function Dialog(props: Omit<ModalProps, 'opened'>) {
  const [opener] = useState(openerOf);
  useEffect(
    () => () => {
      if (opener?.isConnected) opener.focus();
    },
    [opener],
  );
  return <Modal opened {...props} />;
}

/** What has the focus, or the button of the menu that it is in, because the menu will be gone. */
function openerOf(): HTMLElement | null {
  const active = document.activeElement;
  const menu = active?.closest('[role=menu]');
  const button = menu && document.querySelector(`[aria-controls="${CSS.escape(menu.id)}"]`);
  return (button ?? active) as HTMLElement | null;
}
