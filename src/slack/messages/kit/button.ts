import type { ActionsBlock, Button } from '@slack/types';
import { plainText, slackLimits, truncate } from './message.ts';

export interface ButtonWording {
  readonly id: string;
  readonly text: string;
  readonly value?: string;
  /** An address that Slack opens by itself. */
  readonly url?: string;
  /** What a screen reader says, where the same word stands on many messages. */
  readonly label?: string;
  readonly style?: 'primary' | 'danger' | undefined;
  /** Asked before the press counts. */
  readonly confirm?: {
    readonly title: string;
    readonly text: string;
    readonly yes: string;
    readonly no: string;
    /** Of its button; `danger` where something is lost. */
    readonly style?: 'primary' | 'danger';
  };
}

export function button({ id, text, value, url, label, style, confirm }: ButtonWording): Button {
  const { buttonCharacters, confirmButtonCharacters } = slackLimits;
  return {
    type: 'button',
    action_id: id,
    text: plainText(text, buttonCharacters),
    ...(label !== undefined && { accessibility_label: truncate(label, buttonCharacters) }),
    ...(value !== undefined && { value }),
    ...(url !== undefined && { url }),
    ...(style !== undefined && { style }),
    ...(confirm !== undefined && {
      confirm: {
        title: plainText(confirm.title, slackLimits.confirmTitleCharacters),
        text: plainText(confirm.text, slackLimits.confirmCharacters),
        confirm: plainText(confirm.yes, confirmButtonCharacters),
        deny: plainText(confirm.no, confirmButtonCharacters),
        ...(confirm.style !== undefined && { style: confirm.style }),
      },
    }),
  };
}

/** The row they stand in; none where there are none. */
export function actions(elements: ActionsBlock['elements'], blockId?: string): ActionsBlock[] {
  if (elements.length === 0) return [];
  return [{ type: 'actions', ...(blockId !== undefined && { block_id: blockId }), elements }];
}
