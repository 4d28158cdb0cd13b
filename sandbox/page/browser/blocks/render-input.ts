import { element, uniqueId } from '../dom.ts';
import { isControlElement, isEmpty, type Control } from '../elements/control.ts';
import { makeControl } from '../elements/make-control.ts';
import { plainTextOf } from '../text/render-text-object.ts';
import type { InputBlock } from '@slack/types';
import type { Drawing } from './drawing.ts';

/** A labelled field with its hint and its error below it. */
export function renderInput(block: InputBlock, drawing: Drawing): HTMLElement {
  const spec = block.element;
  if (!isControlElement(spec)) {
    return element('div', { class: 'unknown' }, `This page cannot draw "${spec.type}".`);
  }
  const [blockId, actionId] = [block.block_id ?? '', spec.action_id ?? ''];
  const control = makeControl(spec, {
    directory: drawing.directory,
    kept: drawing.keptValue(blockId, actionId),
  });
  const errorId = uniqueId('error');
  const error = element('p', { class: 'field-error', id: errorId, hidden: true });
  control.labelled?.setAttribute('aria-describedby', errorId);
  function showError(message: string | undefined): void {
    error.textContent = message ?? '';
    error.hidden = message === undefined;
    control.labelled?.setAttribute('aria-invalid', String(message !== undefined));
  }
  drawing.addField({
    blockId,
    actionId,
    read: () => control.read(),
    complaint: () =>
      block.optional !== true && isEmpty(control.read())
        ? 'Please complete this required field.'
        : undefined,
    showError,
  });
  if (block.dispatch_action === true) {
    control.root.addEventListener('change', () => {
      const value = control.read();
      void drawing.act({ blockId, actionId, ...(value !== null && { value }) });
    });
  }
  const hint =
    block.hint === undefined
      ? undefined
      : element('p', { class: 'field-hint' }, plainTextOf(block.hint));
  return label(block, control, [hint, error]);
}

function label(
  block: InputBlock,
  control: Control,
  below: readonly (Node | undefined)[],
): HTMLElement {
  const optional =
    block.optional === true ? element('span', { class: 'optional' }, ' (optional)') : undefined;
  const words = plainTextOf(block.label);
  if (control.labelled === undefined) {
    return element('fieldset', {}, element('legend', {}, words, optional), control.root, ...below);
  }
  control.labelled.removeAttribute('aria-label');
  return element(
    'div',
    {},
    element('label', { for: control.labelled.id }, words, optional),
    control.root,
    ...below,
  );
}
