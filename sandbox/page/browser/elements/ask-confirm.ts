import { element, uniqueId } from '../dom.ts';
import { plainTextOf, renderTextObject } from '../text/render-text-object.ts';
import type { ConfirmationDialog } from '@slack/types';
import type { Directory } from '../directory.ts';

/** Shows a confirmation dialog; true only when its confirm button was pressed. */
export function askConfirm(confirm: ConfirmationDialog, directory: Directory): Promise<boolean> {
  const title = confirm.title === undefined ? 'Are you sure?' : plainTextOf(confirm.title);
  const yes = confirm.confirm === undefined ? 'Yes' : plainTextOf(confirm.confirm);
  const no = confirm.deny === undefined ? 'Cancel' : plainTextOf(confirm.deny);
  const titleId = uniqueId('confirm');
  const dialog = element(
    'dialog',
    { class: 'confirm', 'aria-labelledby': titleId },
    element('h2', { id: titleId }, title),
    element('div', { class: 'dialog-body' }, renderTextObject(confirm.text, directory)),
  );
  const deny = element('button', { class: 'button', type: 'button' }, no);
  const accept = element(
    'button',
    { class: `button button-${confirm.style ?? 'primary'}`, type: 'button' },
    yes,
  );
  dialog.append(element('footer', {}, deny, accept));
  document.body.append(dialog);
  return new Promise((resolve) => {
    deny.addEventListener('click', () => dialog.close('deny'));
    accept.addEventListener('click', () => dialog.close('confirm'));
    // Escape and every other way out end in `close` without a return value.
    dialog.addEventListener('close', () => {
      dialog.remove();
      resolve(dialog.returnValue === 'confirm');
    });
    dialog.showModal();
    // Enter must not confirm by reflex what the person has not read yet.
    deny.focus();
  });
}
