import type { Control, ControlContext, ControlElement } from './control.ts';
import { makeChoices } from './make-choices.ts';
import { makeSelect } from './make-select.ts';
import { makeTextField } from './make-text-field.ts';

/** Makes the control of an element, with its initial or its kept value in it. */
export function makeControl(spec: ControlElement, context: ControlContext): Control {
  switch (spec.type) {
    case 'plain_text_input':
      return makeTextField(spec, context);
    case 'static_select':
      return makeSelect(spec, context);
    case 'checkboxes':
    case 'radio_buttons':
      return makeChoices(spec, context);
    default:
      return spec satisfies never;
  }
}
