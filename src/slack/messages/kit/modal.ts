import type {
  InputBlock,
  KnownBlock,
  ModalView,
  PlainTextInput,
  PlainTextOption,
} from '@slack/types';
import { z } from 'zod';
import { plainText, slackLimits, truncate } from './message.ts';
import type { Message, MessageBlock } from './message.ts';

/** What a dialog remembers of where it was opened: ids and configured names, judged again when it is submitted. */
export const DialogMemory = z.strictObject({
  /** Where its answer goes when the dialog was closed meanwhile. */
  channel: z.string().min(1).max(100),
  /** The request it is about. */
  request: z.string().min(1).max(100).optional(),
  /** The incident it is about. */
  incident: z.string().min(1).max(100).optional(),
  /** The target it is about, where there is no request yet. */
  target: z.string().min(1).max(200).optional(),
});
export type DialogMemory = z.infer<typeof DialogMemory>;

/** What a dialog was opened with, or undefined for what dbconn never wrote. */
export function readMemory(metadata: string): DialogMemory | undefined {
  try {
    return DialogMemory.safeParse(JSON.parse(metadata)).data;
  } catch {
    // No JSON at all is the same as JSON that says nothing.
    return undefined;
  }
}

export interface Form {
  readonly callbackId: string;
  readonly title: string;
  readonly submit: string;
  readonly memory: DialogMemory;
  readonly blocks: readonly KnownBlock[];
}

/** A dialog with fields. Closing it decides nothing, and dbconn does not even hear of it. */
export function formView({ callbackId, title, submit, memory, blocks }: Form): ModalView {
  return {
    type: 'modal',
    callback_id: callbackId,
    title: plainText(title, slackLimits.modalTitleCharacters),
    submit: plainText(submit, slackLimits.modalTitleCharacters),
    close: plainText('Cancel', slackLimits.modalTitleCharacters),
    private_metadata: JSON.stringify(memory),
    blocks: [...blocks],
  };
}

/** A dialog that only says something. */
export function wordsView(title: string, { blocks }: Pick<Message, 'blocks'>): ModalView {
  return {
    type: 'modal',
    title: plainText(title, slackLimits.modalTitleCharacters),
    close: plainText('Close', slackLimits.modalTitleCharacters),
    blocks: blocks.filter(fitsDialog),
  };
}

/** A dialog takes no charts, and no tables. */
function fitsDialog(block: MessageBlock): block is KnownBlock {
  return block.type !== 'data_visualization' && block.type !== 'table';
}

interface TextField {
  readonly id: string;
  readonly label: string;
  readonly hint?: string;
  readonly initial?: string;
  readonly placeholder?: string;
  readonly optional: boolean;
  readonly multiline?: boolean;
  readonly max: number;
}

/** A field to type into; block and element share its id. */
export function textField(field: TextField): InputBlock {
  const { id, label, hint, initial, placeholder, optional, multiline = false, max } = field;
  const element: PlainTextInput = {
    type: 'plain_text_input',
    action_id: id,
    multiline,
    max_length: Math.min(max, slackLimits.inputCharacters),
    ...(initial !== undefined && initial !== '' && { initial_value: truncate(initial, max) }),
    ...(placeholder !== undefined && { placeholder: plainText(placeholder, 150) }),
  };
  return {
    type: 'input',
    block_id: id,
    label: plainText(label, 2000),
    optional,
    element,
    ...(hint !== undefined && { hint: plainText(hint, 2000) }),
  };
}

export const reasonId = 'reason';

/** Why somebody does it. */
export function reasonField(label: string, isOptional = false): InputBlock {
  return textField({
    id: reasonId,
    label,
    hint: 'Everybody in the channel reads it, and the journal keeps it.',
    optional: isOptional,
    multiline: true,
    // As long as the journal keeps one.
    max: 500,
  });
}

interface ChoiceField {
  readonly id: string;
  readonly label: string;
  readonly hint?: string;
  /** One is chosen at first; of several nobody has to undo a choice they did not make. Slack takes at most 100. */
  readonly choices: readonly { readonly value: string; readonly text: string }[];
}

/** A field to choose in; block and element share its id. */
export function choiceField({ id, label, hint, choices }: ChoiceField): InputBlock {
  const options = choices
    .slice(0, slackLimits.selectOptions)
    .map(({ value, text }): PlainTextOption => ({
      text: plainText(text, slackLimits.optionCharacters),
      value,
    }));
  const [first, ...others] = options;
  return {
    type: 'input',
    block_id: id,
    label: plainText(label, 2000),
    element: {
      type: 'static_select',
      action_id: id,
      options,
      ...(first !== undefined && others.length === 0 && { initial_option: first }),
    },
    ...(hint !== undefined && { hint: plainText(hint, 2000) }),
  };
}

/** What was filled in, field by field: block id -> text typed or value chosen. */
export type Filled = Readonly<Record<string, string>>;

const State = z.record(
  z.string(),
  z.record(
    z.string(),
    z.looseObject({
      value: z.string().nullish(),
      selected_option: z.looseObject({ value: z.string() }).nullish(),
    }),
  ),
);

/** The fields of a submitted dialog; whatever is no text is left out. */
export function readFields(values: unknown): Filled {
  const blocks = Object.entries(State.safeParse(values).data ?? {});
  return Object.fromEntries(
    blocks.map(([block, elements]) => {
      const [element] = Object.values(elements);
      return [block, (element?.value ?? element?.selected_option?.value ?? '').trim()];
    }),
  );
}
