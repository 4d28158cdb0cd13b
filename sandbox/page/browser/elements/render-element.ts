import { element } from '../dom.ts';
import { openAddress } from '../permalink.ts';
import { plainTextOf } from '../text/render-text-object.ts';
import { askConfirm } from './ask-confirm.ts';
import { isControlElement, type ControlElement } from './control.ts';
import { makeControl } from './make-control.ts';
import { renderOverflow } from './render-overflow.ts';
import type { ActionsBlockElement, Button, ConfirmationDialog, Overflow } from '@slack/types';
import type { Drawing } from '../blocks/drawing.ts';

/** Draws an interactive element of a section or an actions block. */
export function renderElement(
  spec: ActionsBlockElement,
  blockId: string,
  drawing: Drawing,
): HTMLElement {
  const place: Place = { blockId, actionId: spec.action_id ?? '', drawing };
  if (spec.type === 'button') return renderButton(spec, place);
  if (spec.type === 'overflow') return renderOverflowElement(spec, place);
  if (isControlElement(spec)) return renderDispatching(spec, place);
  return element('span', { class: 'unknown' }, `This page cannot draw "${spec.type}".`);
}

interface Place {
  readonly blockId: string;
  readonly actionId: string;
  readonly drawing: Drawing;
}

function renderButton(spec: Button, place: Place): HTMLElement {
  const words = plainTextOf(spec.text);
  const button = element(
    'button',
    {
      class: spec.style === undefined ? 'button' : `button button-${spec.style}`,
      type: 'button',
      'aria-label': spec.accessibility_label,
      'data-action-id': place.actionId,
    },
    words,
  );
  if (spec.url !== undefined) button.append(element('span', { class: 'leads-out' }, '↗'));
  button.addEventListener('click', () => {
    if (spec.url !== undefined) openAddress(spec.url);
    void dispatch(button, spec.value, { place, confirm: spec.confirm });
  });
  return button;
}

function renderOverflowElement(spec: Overflow, place: Place): HTMLElement {
  const root = renderOverflow(spec, (option) => {
    void dispatch(root, option.value, { place, confirm: spec.confirm });
  });
  return root;
}

/** A select or a choice outside an input block tells the app at once. */
function renderDispatching(spec: ControlElement, place: Place): HTMLElement {
  const { drawing, blockId, actionId } = place;
  const kept = drawing.keptValue(blockId, actionId);
  const control = makeControl(spec, { directory: drawing.directory, kept });
  drawing.addField({ blockId, actionId, read: () => control.read(), complaint: () => undefined });
  const confirm = 'confirm' in spec ? spec.confirm : undefined;
  let isStale = false;
  async function tell(): Promise<void> {
    do {
      isStale = false;
      const value = control.read();
      // Going back to the placeholder chooses nothing, so there is nothing to tell the app.
      if (value !== null) await dispatch(control.root, value, { place, confirm });
    } while (isStale);
  }
  control.root.addEventListener('change', () => {
    // A second box ticked before the first was taken is told right after it.
    if (control.root.getAttribute('aria-busy') === 'true') isStale = true;
    else void tell();
  });
  return control.root;
}

interface Dispatch {
  readonly place: Place;
  readonly confirm: ConfirmationDialog | undefined;
}

/** Asks first where the app wants that, then sends, and shows that it is under way. */
async function dispatch(
  root: HTMLElement,
  value: string | readonly string[] | undefined,
  to: Dispatch,
): Promise<void> {
  const { actionId, blockId, drawing } = to.place;
  if (root.getAttribute('aria-busy') === 'true') return;
  if (to.confirm !== undefined && !(await askConfirm(to.confirm, drawing.directory))) return;
  root.setAttribute('aria-busy', 'true');
  try {
    await drawing.act({ actionId, blockId, ...(value !== undefined && { value }) });
  } finally {
    root.removeAttribute('aria-busy');
  }
}
