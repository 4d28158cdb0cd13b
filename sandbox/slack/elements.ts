import { z } from 'zod';
import { createBlockId } from './stamps.ts';
import type { StoredBlock } from './workspace.ts';

const PlainText = z.looseObject({ type: z.string(), text: z.string() });
const Option = z.looseObject({ text: PlainText, value: z.string() });
export type Option = z.infer<typeof Option>;

/** Something a person can press, choose in or type into. */
export const Element = z.looseObject({
  type: z.enum([
    'button',
    'overflow',
    'static_select',
    'users_select',
    'checkboxes',
    'radio_buttons',
    'plain_text_input',
    'number_input',
  ]),
  action_id: z.string(),
  value: z.string().optional(),
  options: z.array(Option).optional(),
  option_groups: z.array(z.looseObject({ options: z.array(Option) })).optional(),
  initial_option: Option.optional(),
  initial_options: z.array(Option).optional(),
  initial_user: z.string().optional(),
  initial_value: z.string().optional(),
  min_length: z.number().optional(),
  max_length: z.number().optional(),
  min_value: z.string().optional(),
  max_value: z.string().optional(),
  is_decimal_allowed: z.boolean().optional(),
});
export type Element = z.infer<typeof Element>;

export interface PlacedElement {
  readonly block: StoredBlock;
  readonly element: Element;
}

type Raw = Record<string, unknown>;

function isRaw(value: unknown): value is Raw {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function withActionId(element: unknown): unknown {
  if (!isRaw(element) || !Element.shape.type.safeParse(element['type']).success) return element;
  return { ...element, action_id: element['action_id'] ?? createBlockId() };
}

/** Checked blocks with a block_id each and an action_id on every element, as Slack fills them in. */
export function fillIds(blocks: unknown): readonly StoredBlock[] {
  const raw = structuredClone(blocks);
  if (!Array.isArray(raw)) return [];
  return raw.filter(isRaw).map((block) => {
    const { accessory, element, elements, ...rest } = block;
    return {
      ...rest,
      ...(accessory !== undefined && { accessory: withActionId(accessory) }),
      ...(element !== undefined && { element: withActionId(element) }),
      ...(elements !== undefined && {
        elements: Array.isArray(elements) ? elements.map(withActionId) : elements,
      }),
      type: String(block['type']),
      block_id: typeof block['block_id'] === 'string' ? block['block_id'] : createBlockId(),
    };
  });
}

/** All elements a person can use in these blocks, in reading order. */
export function findElements(blocks: readonly StoredBlock[]): readonly PlacedElement[] {
  return blocks.flatMap((block) => {
    const { accessory, element, elements } = block;
    const candidates = [accessory, element].concat(elements);
    return candidates.flatMap((candidate) => {
      const parsed = Element.safeParse(candidate);
      return parsed.success ? [{ block, element: parsed.data }] : [];
    });
  });
}

/** Options of a select in one list, whether or not they are grouped. */
export function optionsOf(element: Element): readonly Option[] {
  return element.options ?? element.option_groups?.flatMap((group) => group.options) ?? [];
}
