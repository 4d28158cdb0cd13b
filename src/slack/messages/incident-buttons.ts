import type { Button, Overflow, PlainTextOption } from '@slack/types';
import type { Incident } from '../../runbook/incidents/incident.ts';
import type { IncidentView } from '../../runbook/incidents/incidents.ts';
import type { Action } from '../../runbook/remedies/remedy-request.ts';
import type { Target } from '../../runbook/snapshot/target.ts';
import { remediesLeft } from './incident-remedies.ts';
import { blockIds, incidentActions, remedyActions } from './kit/action-ids.ts';
import type { IncidentChoice } from './kit/action-ids.ts';
import { actions, button } from './kit/button.ts';
import { plainText, slackLimits } from './kit/message.ts';
import type { MessageBlock } from './kit/message.ts';
import { isOffered, proposeWording } from './propose-buttons.ts';

/** What the buttons depend on beside the incident. */
export interface IncidentOffers {
  /** Absent where it is not configured any more. */
  readonly target?: Target;
  /** Options that can be proposed for the target and approved by somebody. */
  readonly offers?: readonly Action[];
}

/** A remedy that can be proposed: what its button says, and what it carries. */
interface Offer {
  readonly text: string;
  readonly label: string;
  readonly value: string;
}

/**
 * The remedies, the one that fits the cause first, then what can be done with the incident. What is rare, and remedies
 * for which there is no room, stand in the menu. Everything is read again when it is pressed.
 */
export function incidentButtons(view: IncidentView, offered: IncidentOffers): MessageBlock[] {
  const { incident } = view;
  const remedies = offersOf(view, offered);
  const shown = remedies.slice(0, remedyActions.length);
  const buttons = incident.state === 'open' ? openButtons(incident, shown) : [];
  const others = menu(incident, remedies.slice(shown.length));
  return actions([...buttons, ...others], blockIds.incident);
}

function openButtons({ id, assignee, target }: Incident, remedies: readonly Offer[]): Button[] {
  return [
    ...remedies.map(({ text, label, value }, index) =>
      button({
        id: remedyActions[index] ?? '',
        text,
        label,
        value: `${id} ${value}`,
        ...(index === 0 && { style: 'primary' }),
      }),
    ),
    button({
      id: incidentActions.have,
      text: assignee === null ? 'Acknowledge' : 'Take over',
      value: id,
      label: `${assignee === null ? 'Acknowledge' : 'Take over'} the incident of ${target}`,
      // One button is primary: what would end it, or else that somebody owns it.
      ...(assignee === null && remedies.length === 0 && { style: 'primary' }),
    }),
    button({
      id: incidentActions.help,
      text: 'Escalate…',
      value: id,
      label: `Escalate the incident of ${target}`,
    }),
  ];
}

/** Those that may help, are not under way, can be proposed here, and could be approved by somebody. */
function offersOf(view: IncidentView, { target, offers = [] }: IncidentOffers): Offer[] {
  if (target === undefined || view.incident.state !== 'open') return [];
  const proposals = [
    ...new Map(remediesLeft(view).map((proposal) => [proposal.command, proposal])).values(),
  ];
  return proposals.flatMap(({ command, slotsFreed }) => {
    if (command === undefined || !isOffered(command, { target, offers })) return [];
    const value = `${command.slice('propose '.length)} ${target.name}`;
    return [{ ...proposeWording({ command, slotsFreed }, target), value }];
  });
}

const choiceWords: Readonly<Record<Exclude<IncidentChoice, 'propose'>, string>> = {
  status: 'Check now',
  silence: 'Silence…',
  unsilence: 'End the silence',
  merge: 'Merge…',
  close: 'Close…',
  report: 'Show the report',
  reopen: 'Reopen…',
};

/** Slack takes no more of them. */
const mostChoices = 5;

function menu({ id, state, silence }: Incident, remedies: readonly Offer[]): Overflow[] {
  const choices = choicesOf(state, silence !== null).map((choice): PlainTextOption => ({
    text: plainText(choiceWords[choice], slackLimits.optionCharacters),
    value: `${choice} ${id}`,
  }));
  if (choices.length === 0) return [];
  const more = remedies.map(({ text, value }): PlainTextOption => ({
    text: plainText(text, slackLimits.optionCharacters),
    value: `propose ${id} ${value}`,
  }));
  const options = [...more, ...choices].slice(0, mostChoices);
  return [{ type: 'overflow', action_id: incidentActions.menu, options }];
}

function choicesOf(
  state: Incident['state'],
  isSilenced: boolean,
): readonly Exclude<IncidentChoice, 'propose'>[] {
  if (state === 'merged') return [];
  if (state === 'resolved') return ['status', 'report', 'reopen'];
  // Rarest last: where remedies need the room, it gives way to them.
  return [isSilenced ? 'unsilence' : 'silence', 'close', 'status', 'merge'];
}
