import { renderBlocks } from '../blocks/render-blocks.ts';
import { element } from '../dom.ts';
import { plainTextOf } from '../text/render-text-object.ts';
import { makeViewFields, type ViewFields } from './view-fields.ts';
import type { Session } from '../session.ts';
import type { OpenModal, View } from '../workspace-view.ts';

/** The modal in front of a person. */
interface ModalScreen {
  show(session: Session): void;
}

interface Shown {
  readonly session: Session;
  readonly me: string;
  readonly view: View;
  readonly fields: ViewFields;
  readonly trouble: HTMLElement;
}

/** Builds the modal into its dialog element. */
export function makeModalScreen(dialog: HTMLDialogElement): ModalScreen {
  let shown: Shown | undefined;
  // Escape must tell the app as the close button does; the server then takes the modal away.
  dialog.addEventListener('cancel', (event) => {
    event.preventDefault();
    if (shown !== undefined) void closeModal(shown);
  });
  return {
    show(session) {
      const { modal } = session.view;
      if (modal === null) {
        shown = undefined;
        if (dialog.open) dialog.close();
        return;
      }
      shown = isSame(shown, session, modal) ? shown : drawModal(dialog, { session, modal, shown });
      if (!dialog.open) dialog.showModal();
      showErrors(shown, modal.errors);
      shown.trouble.textContent = modal.trouble ?? '';
      shown.trouble.hidden = modal.trouble === undefined;
    },
  };
}

function isSame(shown: Shown | undefined, session: Session, modal: OpenModal): shown is Shown {
  return (
    shown?.view.id === modal.view.id &&
    shown.view.hash === modal.view.hash &&
    shown.me === session.view.me
  );
}

interface Next {
  readonly session: Session;
  readonly modal: OpenModal;
  /** What the dialog held so far. */
  readonly shown: Shown | undefined;
}

function drawModal(dialog: HTMLDialogElement, { session, modal, shown }: Next): Shown {
  const { view } = modal;
  const { me } = session.view;
  // Only the same view of the same person goes on with what was typed; any other starts anew.
  const before = shown?.view.id === view.id && shown.me === me ? shown.fields : undefined;
  const fields = makeViewFields(session, view, before);
  const trouble = element('p', { class: 'trouble', role: 'alert', hidden: true });
  const drawn: Shown = { session, me, view, fields, trouble };
  const form = element(
    'form',
    { novalidate: true },
    element('header', {}, renderTitle(view)),
    element('div', { class: 'dialog-body' }, trouble, renderBlocks(view.blocks, fields.drawing)),
    renderButtons(drawn),
  );
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    void submitModal(drawn, form);
  });
  dialog.replaceChildren(form);
  return drawn;
}

function renderTitle({ title }: View): HTMLElement {
  return element('h2', { id: 'modal-title' }, title === null ? '' : plainTextOf(title));
}

function renderButtons(shown: Shown): HTMLElement {
  const { view } = shown;
  const submit =
    view.submit === null
      ? undefined
      : element(
          'button',
          { class: 'button button-primary', type: 'submit' },
          plainTextOf(view.submit),
        );
  const words =
    view.close === null ? (submit === undefined ? 'Close' : 'Cancel') : plainTextOf(view.close);
  const close = element('button', { class: 'button', type: 'button' }, words);
  close.addEventListener('click', () => void closeModal(shown));
  return element('footer', {}, close, submit);
}

async function closeModal({ session, view }: Shown): Promise<void> {
  await session.act('view-close', { viewId: view.id });
}

/** Slack's client sends a form only when it finds nothing wrong with it. */
async function submitModal(shown: Shown, form: HTMLFormElement): Promise<void> {
  const complaints = shown.fields.fields.flatMap((field) => {
    const complaint = field.complaint();
    field.showError?.(complaint);
    return complaint === undefined ? [] : [field];
  });
  if (complaints.length > 0 || form.getAttribute('aria-busy') === 'true') return;
  form.setAttribute('aria-busy', 'true');
  const values = shown.fields.readValues();
  const result = await shown.session.act('view-submit', { viewId: shown.view.id, values });
  form.removeAttribute('aria-busy');
  if (result.errors !== undefined) showErrors(shown, result.errors);
}

function showErrors({ fields }: Shown, errors: Readonly<Record<string, string>>): void {
  if (Object.keys(errors).length === 0) return;
  for (const field of fields.fields) field.showError?.(errors[field.blockId]);
}
