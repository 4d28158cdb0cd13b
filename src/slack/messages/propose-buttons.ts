import type { Button } from '@slack/types';
import { parseRemedyCommand, toRemedyRequest } from '../../runbook/commands/parse-remedy.ts';
import { actionOf } from '../../runbook/remedies/remedy-request.ts';
import type { View } from './frame.ts';
import { actionIds, blockIds, proposeActions } from './kit/action-ids.ts';
import { actions, button } from './kit/button.ts';
import type { MessageBlock } from './kit/message.ts';

/** Buttons that propose what was just suggested, where somebody could approve it. They change nothing themselves. */
export function proposeButtons(view: View): MessageBlock[] {
  const { diagnosis, target, offers = [] } = view;
  const commands = diagnosis.proposals
    .map(({ command }) => command)
    .filter((command) => command !== undefined);
  const suggestsA = diagnosis.proposals.some(({ option }) => option === 'A');
  const choose =
    suggestsA && offers.includes('A')
      ? [button({ id: actionIds.choose, text: 'Choose for A…', value: target.name })]
      : [];
  return actions([...toButtons(commands, { target, offers }), ...choose], blockIds.status);
}

/** The same for commands such as `propose E backend 5 2`, as far as they can be proposed here; the first four. */
export function commandButtons(commands: readonly string[], offered: Offered): MessageBlock[] {
  return actions(toButtons(commands, offered), blockIds.status);
}

type Offered = Pick<View, 'target' | 'offers'>;

function toButtons(commands: readonly string[], offered: Offered): Button[] {
  return [...new Set(commands.filter((command) => isOffered(command, offered)))]
    .slice(0, proposeActions.length)
    .map((command, index) =>
      button({
        id: proposeActions[index] ?? '',
        text: command.replace('propose', 'Propose'),
        // Read again when it is pressed, like typed words.
        value: `${command.slice('propose '.length)} ${offered.target.name}`,
      }),
    );
}

/** What may be proposed is known by what the words ask for, not by the letter they stand under. */
export function isOffered(command: string, { target, offers = [] }: Offered): boolean {
  const { remedyCommand } = parseRemedyCommand(command.slice('propose '.length), [target.name]);
  return (
    remedyCommand !== undefined &&
    offers.includes(actionOf(toRemedyRequest(remedyCommand, target.limits)))
  );
}
