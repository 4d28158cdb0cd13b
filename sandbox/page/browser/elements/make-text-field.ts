import { element, uniqueId } from '../dom.ts';
import { plainTextOf } from '../text/render-text-object.ts';
import type { PlainTextInput } from '@slack/types';
import { startingValue } from './starting-value.ts';
import type { Control, ControlContext } from './control.ts';

/** A line of text, or several lines. */
export function makeTextField(spec: PlainTextInput, { kept }: ControlContext): Control {
  const attributes = {
    id: uniqueId('field'),
    placeholder: spec.placeholder === undefined ? undefined : plainTextOf(spec.placeholder),
    autofocus: spec.focus_on_load === true,
    autocomplete: 'off',
    maxlength: String(spec.max_length ?? 3000),
  };
  const box =
    spec.multiline === true
      ? element('textarea', { ...attributes, rows: '4' })
      : element('input', { ...attributes, type: 'text' });
  box.value = startingValue(kept, spec.initial_value);
  // An empty field travels as null.
  return { root: box, labelled: box, read: () => (box.value === '' ? null : box.value) };
}
