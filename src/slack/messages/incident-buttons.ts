import type { Button, Overflow, PlainTextOption } from '@slack/types';
import type { Incident } from '../../runbook/incidents/incident.ts';
import type { IncidentView } from '../../runbook/incidents/incidents.ts';
import type { Action } from '../../runbook/remedies/remedy-request.ts';
import type { Target } from '../../runbook/snapshot/target.ts';
import { isUnderWay, isIneffective } from './incident-remedies.ts';
import { blockIds, incidentActions } from './kit/action-ids.ts';
import type { IncidentChoice } from './kit/action-ids.ts';
import { actions, button } from './kit/button.ts';
import { plainText, slackLimits } from './kit/message.ts';
import type { MessageBlock } from './kit/message.ts';
import { isOffered } from './propose-buttons.ts';

/** What the buttons depend on beside the incident. */
export interface IncidentOffers {
  /** Absent where it is not configured any more. */
  readonly target?: Target;
  /** Options that can be proposed for the target and approved by somebody. */
  readonly offers?: readonly Action[];
}

/**
 * At most three buttons, and a menu for what is rare. Each carries the incident's id, and the first remedy's the
 * words that propose it: both are read again when it is pressed.
 */
export function incidentButtons(view: IncidentView, offered: IncidentOffers): MessageBlock[] {
  const { incident } = view;
  const buttons = incident.state === 'open' ? openButtons(view, offered) : [];
  return actions([...buttons, ...menu(incident)], blockIds.incident);
}

function openButtons(view: IncidentView, offered: IncidentOffers): Button[] {
  const { id, assignee, target } = view.incident;
  const words = firstRemedy(view, offered);
  const remedy = words === undefined ? [] : [proposeButton(view.incident, words)];
  return [
    button({
      id: incidentActions.have,
      text: assignee === null ? 'I have it' : 'I take it',
      value: id,
      label: `I have the incident of ${target}`,
      // One button stands out: what would end it, or where nothing would, that somebody takes it.
      ...(assignee === null && remedy.length === 0 && { style: 'primary' }),
    }),
    ...remedy,
    button({
      id: incidentActions.help,
      text: 'Call for help…',
      value: id,
      label: `Call for help with ${target}`,
    }),
  ];
}

function proposeButton({ id, target }: Incident, words: string): Button {
  const text = words.replace('propose', 'Propose');
  return button({
    id: incidentActions.remedy,
    text,
    value: `${id} ${words.slice('propose '.length)} ${target}`,
    label: text,
    style: 'primary',
  });
}

/** The words of the first remedy that may help, is not under way, can be proposed here, and could be approved by somebody. */
function firstRemedy(
  { incident, diagnosis, requests, ineffective }: IncidentView,
  { target, offers = [] }: IncidentOffers,
): string | undefined {
  const isCalm = incident.calmSince !== null;
  if (isCalm || diagnosis === null || target === undefined) return undefined;
  return diagnosis.proposals
    .filter((one) => !isIneffective(one, ineffective) && !isUnderWay(one, requests))
    .flatMap(({ command }) => command ?? [])
    .find((command) => isOffered(command, { target, offers }));
}

const choiceWords: Readonly<Record<IncidentChoice, string>> = {
  status: 'Look again',
  silence: 'Silence…',
  unsilence: 'End the silence',
  merge: 'Merge into another…',
  close: 'Close…',
  report: 'Report',
  reopen: 'Reopen…',
};

function menu({ id, state, silence }: Incident): Overflow[] {
  const choices = choicesOf(state, silence !== null);
  if (choices.length === 0) return [];
  const options = choices.map((choice): PlainTextOption => ({
    text: plainText(choiceWords[choice], slackLimits.buttonCharacters),
    value: `${choice} ${id}`,
  }));
  return [{ type: 'overflow', action_id: incidentActions.menu, options }];
}

function choicesOf(state: Incident['state'], isSilenced: boolean): readonly IncidentChoice[] {
  if (state === 'merged') return [];
  if (state === 'resolved') return ['status', 'report', 'reopen'];
  return ['status', isSilenced ? 'unsilence' : 'silence', 'merge', 'close'];
}
