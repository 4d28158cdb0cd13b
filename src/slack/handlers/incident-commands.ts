import type { IncidentCommand, Named } from '../../runbook/commands/parse-incident.ts';
import type { Incident } from '../../runbook/incidents/incident.ts';
import type { Incidents } from '../../runbook/incidents/incidents.ts';
import { done, refuse } from '../../runbook/remedies/remedy.ts';
import type { Answer } from '../../runbook/remedies/remedy.ts';
import { incidentsMessage } from '../messages/incidents.ts';
import type { Message } from '../messages/kit/message.ts';
import { notice, refusalMessage } from '../messages/notice.ts';
import type { ActionContext } from './deps.ts';

/** What somebody is told of what they just did with an incident: the refusal, or the sentence about it. */
export function incidentAnswer(
  decided: Answer<Incident>,
  sentence: (incident: Incident) => string,
): Message {
  return decided.ok ? notice(sentence(decided.value)) : refusalMessage(decided.refusal);
}

export const noIncidents: Message = notice('This dbconn keeps no incidents.');

/** What each deed is confirmed with; its message and thread tell everybody else. */
export const incidentDone = {
  have: ({ target }: Incident) => `You have the incident of ${target}. The others see that.`,
  silence: ({ target, silence }: Incident) =>
    `The incident of ${target} is silenced until ${(silence?.until ?? '').slice(0, 16).replace('T', ' ')} UTC; nobody is called until then.`,
  unsilence: ({ target }: Incident) => `The incident of ${target} calls people again.`,
  merge: ({ target, mergedInto }: Incident) =>
    `The incident of ${target} is a part of ${mergedInto ?? 'the other one'} now.`,
  close: ({ target }: Incident) =>
    `The incident of ${target} is closed; its report follows in its thread.`,
  reopen: ({ target }: Incident) => `The incident of ${target} is open again.`,
  open: ({ id, target }: Incident) =>
    `The incident of ${target} is open: ${id}. Its message is about to stand in the incident channel.`,
  help: ({ target }: Incident) =>
    `It is recorded, and they are being called for ${target}; the thread tells when they were.`,
} as const satisfies Readonly<Record<string, (incident: Incident) => string>>;

/** Does what the words after `incident` say, and answers whoever typed them. */
export async function answerIncident(
  context: ActionContext,
  command: IncidentCommand,
): Promise<Message> {
  const { incidents } = context.changes;
  if (incidents === undefined) return noIncidents;
  if (command.word === 'list') return listOpen(incidents);
  if (command.word === 'open') {
    const { target, reason } = command;
    return incidentAnswer(await incidents.open(target, context.actor, reason), incidentDone.open);
  }
  const found = await findNamed(incidents, command.which, command.word === 'reopen');
  if (!found.ok) return refusalMessage(found.refusal);
  return deal(context, found.value, { incidents, command });
}

type Dealing = Exclude<IncidentCommand, { word: 'list' | 'open' }>;

async function deal(
  { actor }: ActionContext,
  { id }: Incident,
  { incidents, command }: { readonly incidents: Incidents; readonly command: Dealing },
): Promise<Message> {
  switch (command.word) {
    case 'have':
      return incidentAnswer(await incidents.assign(id, actor), incidentDone.have);
    case 'unsilence':
      return incidentAnswer(await incidents.unsilence(id, actor), incidentDone.unsilence);
    case 'silence': {
      const { forMs, reason } = command;
      return incidentAnswer(
        await incidents.silence(id, actor, { forMs, reason }),
        incidentDone.silence,
      );
    }
    case 'merge': {
      const into = await findNamed(incidents, command.into, false);
      if (!into.ok) return refusalMessage(into.refusal);
      return incidentAnswer(await incidents.merge(id, into.value.id, actor), incidentDone.merge);
    }
    case 'close':
      return incidentAnswer(await incidents.resolve(id, actor, command.reason), incidentDone.close);
    default:
      return incidentAnswer(await incidents.reopen(id, actor, command.reason), incidentDone.reopen);
  }
}

async function listOpen(incidents: Incidents): Promise<Message> {
  const open = await incidents.list();
  return open.ok ? incidentsMessage(open.value) : refusalMessage(open.refusal);
}

/** The incident that was named; without a name the only open one, or the latest where an ended one is meant. */
async function findNamed(
  incidents: Incidents,
  which: Named,
  isEnded: boolean,
): Promise<Answer<Incident>> {
  if (which !== null && 'id' in which) return incidents.get(which.id);
  const target = which === null ? undefined : which.target;
  const known = isEnded ? await incidents.history(target) : await incidents.list();
  if (!known.ok) return known;
  const fitting = known.value
    .filter((one) => target === undefined || one.target === target)
    .filter(({ state }) => !isEnded || state === 'resolved');
  const [only, ...others] = fitting;
  if (only === undefined) {
    const why = isEnded ? 'There was no incident.' : 'No incident is open.';
    return refuse('no-incident', why, 'Open one with /dbconn incident open REASON.');
  }
  if (others.length > 0 && !isEnded) {
    return refuse(
      'which-incident',
      `${fitting.length} incidents are open.`,
      'Name one by its id or target: /dbconn incidents lists them.',
    );
  }
  return done(only);
}
