import type { Checkboxes, PlainTextInput, RadioButtons, StaticSelect } from '@slack/types';
import type { Chosen } from '../blocks/drawing.ts';
import type { Directory } from '../directory.ts';

/** An element a person fills in. */
export interface Control {
  readonly root: HTMLElement;
  /** What a label points at; undefined where the label must be a legend of several inputs. */
  readonly labelled?: HTMLElement;
  read(): Chosen;
}

export type ControlElement = Checkboxes | PlainTextInput | RadioButtons | StaticSelect;

export interface ControlContext {
  readonly directory: Directory;
  /** Overrides the initial value; undefined for a field nobody has touched yet. */
  readonly kept: Chosen | undefined;
}

const CONTROL_TYPES: ReadonlySet<string> = new Set<ControlElement['type']>([
  'checkboxes',
  'plain_text_input',
  'radio_buttons',
  'static_select',
]);

export function isControlElement(spec: { readonly type: string }): spec is ControlElement {
  return CONTROL_TYPES.has(spec.type);
}

/** True when nothing was typed or chosen. */
export function isEmpty(chosen: Chosen): boolean {
  return chosen === null || chosen.length === 0;
}
