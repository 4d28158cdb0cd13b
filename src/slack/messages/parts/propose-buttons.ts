import type { ActionsBlock } from '@slack/types';
import { proposeActions } from '../../action-ids.ts';
import { slackLimits, truncate } from '../../limits.ts';
import type { View } from './frame.ts';
import type { MessageBlock } from './message.ts';

/** Buttons that propose what was just suggested, where somebody could approve it. They change nothing themselves. */
export function proposeButtons({ diagnosis, offers = [] }: View): MessageBlock[] {
  const elements = diagnosis.proposals
    .filter(({ option, blocked }) => blocked === null && offers.includes(option))
    .map(({ command }) => command)
    .filter((command) => command !== undefined)
    .slice(0, proposeActions.length)
    .map((command, index): ActionsBlock['elements'][number] => ({
      type: 'button',
      action_id: proposeActions[index] ?? '',
      text: {
        type: 'plain_text',
        text: truncate(command.replace('propose', 'Propose'), slackLimits.buttonCharacters),
        emoji: false,
      },
      // Read again when it is pressed, like typed words.
      value: `${command.slice('propose '.length)} ${diagnosis.target}`,
    }));
  return elements.length === 0 ? [] : [{ type: 'actions', elements }];
}
