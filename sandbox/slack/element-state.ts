import { findElements, optionsOf } from './elements.ts';
import type { Element, Option, PlacedElement } from './elements.ts';
import type { StateValue, StateValues, StoredBlock } from './workspace.ts';

/** What a person put into one element: text, an option's value, several of them, or nothing. */
type Chosen = string | readonly string[] | null;
/** block_id -> action_id -> what was put there; what is not named keeps its initial value. */
export type ChosenValues = Readonly<Record<string, Readonly<Record<string, Chosen>>>>;

/** What Slack's client tells the person under a field instead of sending the form. */
type FieldErrors = Readonly<Record<string, string>>;

interface FilledIn {
  readonly values: StateValues;
  readonly errors: FieldErrors;
}

function pickOption(element: Element, value: string): Option {
  const option = optionsOf(element).find((one) => one.value === value);
  if (option === undefined) throw new RangeError(`"${value}" is not one of the options`);
  return option;
}

function readText(element: Element, chosen: Chosen | undefined): string | null {
  const text = chosen === undefined ? (element.initial_value ?? null) : chosen;
  if (text === null || text === '') return null;
  if (typeof text !== 'string') throw new RangeError('takes a text');
  return text;
}

function checkText(element: Element, text: string | null): void {
  if (text === null) return;
  const { min_length: least = 0, max_length: most = 3000 } = element;
  if (text.length < least) throw new RangeError(`needs at least ${least} characters`);
  if (text.length > most) throw new RangeError(`takes at most ${most} characters`);
}

function checkNumber(element: Element, text: string | null): void {
  if (text === null) return;
  if (!/^-?\d+(\.\d+)?$/.test(text)) throw new RangeError('must be a number');
  if (element.is_decimal_allowed === false && text.includes('.')) {
    throw new RangeError('must be a whole number');
  }
  if (element.min_value !== undefined && Number(text) < Number(element.min_value)) {
    throw new RangeError(`must be at least ${element.min_value}`);
  }
  if (element.max_value !== undefined && Number(text) > Number(element.max_value)) {
    throw new RangeError(`must be at most ${element.max_value}`);
  }
}

function toSingleOption(element: Element, chosen: Chosen | undefined): StateValue {
  const { type } = element;
  if (chosen === undefined) return { type, selected_option: element.initial_option ?? null };
  if (chosen === null || chosen === '') return { type, selected_option: null };
  return { type, selected_option: pickOption(element, String(chosen)) };
}

function toSeveralOptions(element: Element, chosen: Chosen | undefined): StateValue {
  const { type } = element;
  if (chosen === undefined) return { type, selected_options: element.initial_options ?? [] };
  const values = typeof chosen === 'string' ? [chosen] : (chosen ?? []);
  return { type, selected_options: values.map((value) => pickOption(element, value)) };
}

function toUser(
  element: Element,
  chosen: Chosen | undefined,
  people: ReadonlyMap<string, unknown>,
): StateValue {
  const user = chosen === undefined ? (element.initial_user ?? null) : chosen;
  if (user === null || user === '') return { type: element.type, selected_user: null };
  if (typeof user !== 'string' || !people.has(user)) throw new RangeError('is not a person here');
  return { type: element.type, selected_user: user };
}

/**
 * The state of one element, or undefined for elements that keep none (buttons, overflow menus).
 * @throws RangeError with the sentence Slack's client would show.
 */
export function toStateValue(
  element: Element,
  chosen: Chosen | undefined,
  people: ReadonlyMap<string, unknown>,
): StateValue | undefined {
  switch (element.type) {
    case 'button':
    case 'overflow':
      return undefined;
    case 'static_select':
    case 'radio_buttons':
      return toSingleOption(element, chosen);
    case 'checkboxes':
      return toSeveralOptions(element, chosen);
    case 'users_select':
      return toUser(element, chosen, people);
    case 'plain_text_input': {
      const value = readText(element, chosen);
      checkText(element, value);
      return { type: element.type, value };
    }
    case 'number_input': {
      const value = readText(element, chosen);
      checkNumber(element, value);
      return { type: element.type, value };
    }
    default:
      return element.type satisfies never;
  }
}

function isEmpty({ type: _type, ...state }: StateValue): boolean {
  return Object.values(state).every(
    (value) => value === null || (Array.isArray(value) && value.length === 0),
  );
}

function isRequired({ block }: PlacedElement): boolean {
  return block.type === 'input' && block['optional'] !== true;
}

/**
 * Everything filled in on a surface, checked as Slack's client checks it before it sends a form:
 * required fields, lengths, numbers, options that exist.
 */
export function fillIn(
  blocks: readonly StoredBlock[],
  chosen: ChosenValues,
  people: ReadonlyMap<string, unknown>,
): FilledIn {
  const values: Record<string, Record<string, StateValue>> = {};
  const errors: Record<string, string> = {};
  const placed = findElements(blocks);
  for (const [blockId, byAction] of Object.entries(chosen)) {
    for (const actionId of Object.keys(byAction)) {
      const isThere = placed.some(
        ({ block, element }) => block.block_id === blockId && element.action_id === actionId,
      );
      if (!isThere) errors[blockId] = `there is no ${actionId} here`;
    }
  }
  for (const one of placed) {
    const { block, element } = one;
    try {
      const state = toStateValue(element, chosen[block.block_id]?.[element.action_id], people);
      if (state === undefined) continue;
      values[block.block_id] = { ...values[block.block_id], [element.action_id]: state };
      if (isRequired(one) && isEmpty(state)) errors[block.block_id] = 'this is a required field';
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      errors[block.block_id] = error.message;
    }
  }
  return { values, errors };
}
