import { element, uniqueId } from '../dom.ts';
import { plainTextOf } from '../text/render-text-object.ts';
import type { NumberInput, PlainTextInput } from '@slack/types';
import { startingValue } from './starting-value.ts';
import type { Control, ControlContext } from './control.ts';

type Box = HTMLInputElement | HTMLTextAreaElement;

/** A line of text, several lines, or a number. */
export function makeTextField(
  spec: PlainTextInput | NumberInput,
  { kept }: ControlContext,
): Control {
  const box = makeBox(spec);
  box.value = startingValue(kept, spec.initial_value);
  return {
    root: box,
    labelled: box,
    // An empty field travels as null, and a number as the text it was typed as.
    read: () => (box.value === '' ? null : box.value),
    complaint: () =>
      spec.type === 'number_input' ? numberComplaint(spec, box) : lengthComplaint(spec, box.value),
  };
}

function makeBox(spec: PlainTextInput | NumberInput): Box {
  const common = {
    id: uniqueId('field'),
    placeholder: spec.placeholder === undefined ? undefined : plainTextOf(spec.placeholder),
    autofocus: spec.focus_on_load === true,
    autocomplete: 'off',
  };
  if (spec.type === 'number_input') {
    const attributes = {
      ...common,
      inputmode: spec.is_decimal_allowed ? 'decimal' : 'numeric',
      min: spec.min_value,
      max: spec.max_value,
    };
    return element('input', { ...attributes, type: 'text' });
  }
  const maxlength = String(spec.max_length ?? 3000);
  return spec.multiline === true
    ? element('textarea', { ...common, maxlength, rows: '4' })
    : element('input', { ...common, maxlength, type: 'text' });
}

function lengthComplaint(spec: PlainTextInput, value: string): string | undefined {
  const least = spec.min_length ?? 0;
  return value !== '' && value.length < least
    ? `Please write at least ${least} characters.`
    : undefined;
}

function numberComplaint(spec: NumberInput, box: Box): string | undefined {
  if (box.value === '') return undefined;
  const pattern = spec.is_decimal_allowed ? /^-?\d+(?:\.\d+)?$/ : /^-?\d+$/;
  if (!pattern.test(box.value)) {
    return spec.is_decimal_allowed ? 'Please enter a number.' : 'Please enter a whole number.';
  }
  const value = Number(box.value);
  if (spec.min_value !== undefined && value < Number(spec.min_value)) {
    return `Please enter at least ${spec.min_value}.`;
  }
  if (spec.max_value !== undefined && value > Number(spec.max_value)) {
    return `Please enter at most ${spec.max_value}.`;
  }
  return undefined;
}
