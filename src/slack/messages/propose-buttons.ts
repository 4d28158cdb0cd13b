import type { Button } from '@slack/types';
import { parseRemedyCommand, toRemedyRequest } from '../../runbook/commands/parse-remedy.ts';
import type { Proposal } from '../../runbook/diagnose/diagnosis.ts';
import { actionOf, deedOf, nameOf } from '../../runbook/remedies/remedy-request.ts';
import type { RemedyRequest } from '../../runbook/remedies/remedy-request.ts';
import type { Target } from '../../runbook/snapshot/target.ts';
import type { View } from './frame.ts';
import { actionIds, blockIds, proposeActions } from './kit/action-ids.ts';
import { actions, button } from './kit/button.ts';
import { truncate } from './kit/message.ts';
import type { MessageBlock } from './kit/message.ts';

/** Slack cuts a longer text on a phone. */
export const mostCharacters = 29;

/** Buttons that propose what was just suggested, where somebody could approve it. They change nothing themselves. */
export function proposeButtons(view: View): MessageBlock[] {
  const { diagnosis, target, offers = [] } = view;
  const suggestsA = diagnosis.proposals.some(({ option }) => option === 'A');
  const choose =
    suggestsA && offers.includes('A')
      ? [
          button({
            id: actionIds.choose,
            text: 'Choose sessions to end…',
            label: `Choose sessions to end on ${target.name}`,
            value: target.name,
          }),
        ]
      : [];
  return actions(
    [...toButtons(diagnosis.proposals, { target, offers }), ...choose],
    blockIds.status,
  );
}

/** The same for commands such as `propose E backend 5 2`, as far as they can be proposed here; the first four. */
export function commandButtons(commands: readonly string[], offered: Offered): MessageBlock[] {
  const suggested = commands.map((command) => ({ command, slotsFreed: null }));
  return actions(toButtons(suggested, offered), blockIds.status);
}

type Offered = Pick<View, 'target' | 'offers'>;
type Suggested = Pick<Proposal, 'slotsFreed' | 'command'>;

function toButtons(suggested: readonly Suggested[], offered: Offered): Button[] {
  const { target } = offered;
  return [...Map.groupBy(suggested, ({ command }) => command).values()]
    .flatMap(([first]) => first ?? [])
    .filter(({ command }) => command !== undefined && isOffered(command, offered))
    .slice(0, proposeActions.length)
    .map(({ command = '', slotsFreed }, index) =>
      button({
        id: proposeActions[index] ?? '',
        ...proposeWording({ command, slotsFreed }, target),
        // Read again when it is pressed, like typed words.
        value: `${command.slice('propose '.length)} ${target.name}`,
      }),
    );
}

/** What may be proposed is known by what the words ask for, not by the letter they stand under. */
export function isOffered(command: string, { target, offers = [] }: Offered): boolean {
  const ask = askOf(command, target);
  return ask !== undefined && offers.includes(actionOf(ask));
}

/** What a button that proposes this says, and what a screen reader reads of it: the deed and its object. */
export function proposeWording(
  { command = '', slotsFreed }: Suggested,
  target: Target,
): { readonly text: string; readonly label: string } {
  const ask = askOf(command, target);
  if (ask === undefined) return { text: 'Propose…', label: `Propose it for ${target.name}` };
  const { verb, object } = deedOf(ask, manyOf(ask, slotsFreed));
  const text = `${truncate(`${verb} ${object}`, mostCharacters - 1).replace(/…$/, '')}…`;
  return { text, label: `Propose ${nameOf(actionOf(ask))} for ${target.name}: ${verb} ${object}` };
}

/** Only option A ends as many sessions as it frees slots. */
function manyOf({ kind }: RemedyRequest, slotsFreed: number | null): number | undefined {
  const isA = kind === 'idle' || kind === 'idle-in-transaction';
  return isA && slotsFreed !== null ? slotsFreed : undefined;
}

function askOf(command: string, { name, limits }: Target): RemedyRequest | undefined {
  const { remedyCommand } = parseRemedyCommand(command.slice('propose '.length), [name]);
  return remedyCommand === undefined ? undefined : toRemedyRequest(remedyCommand, limits);
}
