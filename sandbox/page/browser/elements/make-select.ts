import { element, uniqueId } from '../dom.ts';
import { plainTextOf } from '../text/render-text-object.ts';
import { startingValue } from './starting-value.ts';
import type { StaticSelect } from '@slack/types';
import type { Control, ControlContext } from './control.ts';

/** A choice of one: the browser's own select, which keyboards and phones know how to use. */
export function makeSelect(spec: StaticSelect, { kept }: ControlContext): Control {
  const placeholder =
    spec.placeholder === undefined ? 'Choose an option' : plainTextOf(spec.placeholder);
  const select = element(
    'select',
    { id: uniqueId('field'), 'aria-label': placeholder, autofocus: spec.focus_on_load === true },
    element('option', { value: '' }, placeholder),
    ...(spec.options ?? []).map(({ value = '', text }) =>
      element('option', { value }, plainTextOf(text)),
    ),
  );
  select.value = startingValue(kept, spec.initial_option?.value);
  // A value that is no longer offered leaves the select blank; the placeholder says more.
  if (select.selectedIndex === -1) select.value = '';
  return {
    root: element('span', { class: 'select' }, select),
    labelled: select,
    read: () => (select.value === '' ? null : select.value),
  };
}
