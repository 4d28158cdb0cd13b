import type { IncidentCommand, Named } from '../../runbook/commands/parse-incident.ts';
import type { Incident } from '../../runbook/incidents/incident.ts';
import type { Incidents } from '../../runbook/incidents/incidents.ts';
import type { EscalationRequest, Silence } from '../../runbook/incidents/rules.ts';
import { done, refuse } from '../../runbook/remedies/remedy.ts';
import type { Answer } from '../../runbook/remedies/remedy.ts';
import { incidentsMessage, silencedMessage } from '../messages/incidents.ts';
import type { Message } from '../messages/kit/message.ts';
import { notice, refusalMessage } from '../messages/notice.ts';
import type { Interaction } from './deps.ts';

/** What a decision is about, and what was given with it. */
interface Deciding<T> extends Pick<Interaction, 'incidents' | 'actor'> {
  readonly id: string;
  readonly input: T;
}

/** Decides, and answers the person who did: the refusal, or what was done. Message and thread tell everybody else. */
function decision<T>(
  decide: (deciding: Deciding<T>) => Promise<Answer<Incident>>,
  say: (incident: Incident) => string | Message,
): (interaction: Interaction, id: string, input: T) => Promise<Message> {
  return async ({ incidents, actor }, id, input) => {
    const decided = await decide({ incidents, actor, id, input });
    if (!decided.ok) return refusalMessage(decided.refusal);
    const said = say(decided.value);
    return typeof said === 'string' ? notice(said) : said;
  };
}

/** What can be decided about an incident, by whatever way somebody does. `open` takes a target instead of an id. */
export const decide = {
  have: decision<void>(
    ({ incidents, actor, id }) => incidents.assign(id, actor),
    ({ target }) => `You own the incident of ${target} now.`,
  ),
  silence: decision<Silence>(
    ({ incidents, actor, id, input }) => incidents.silence(id, actor, input),
    silencedMessage,
  ),
  unsilence: decision<void>(
    ({ incidents, actor, id }) => incidents.unsilence(id, actor),
    ({ target }) => `The incident of ${target} sends escalations again.`,
  ),
  merge: decision<string>(
    ({ incidents, actor, id, input }) => incidents.merge(id, input, actor),
    ({ target, mergedInto }) =>
      `The incident of ${target} was merged into ${mergedInto ?? 'the other one'}.`,
  ),
  close: decision<string>(
    ({ incidents, actor, id, input }) => incidents.resolve(id, actor, input),
    ({ target }) => `The incident of ${target} is closed. Its report follows in the thread.`,
  ),
  reopen: decision<string>(
    ({ incidents, actor, id, input }) => incidents.reopen(id, actor, input),
    ({ target }) => `The incident of ${target} is open again.`,
  ),
  open: decision<string>(
    ({ incidents, actor, id: target, input }) => incidents.open(target, actor, input),
    ({ id, target }) =>
      `Incident ${id} of ${target} is open. Its message appears in the incident channel.`,
  ),
  help: decision<EscalationRequest>(
    ({ incidents, actor, id, input }) => incidents.escalate(id, actor, input),
    ({ target }) => `The escalation for ${target} is on its way. The thread says when it arrived.`,
  ),
} as const;

/** Does what the words after `incident` say, and answers the person who typed them. */
export async function answerIncident(on: Interaction, command: IncidentCommand): Promise<Message> {
  const { incidents } = on;
  if (command.word === 'list') return listOpen(incidents);
  if (command.word === 'open') return decide.open(on, command.target, command.reason);
  const found = await findNamed(incidents, command.which, command.word === 'reopen');
  if (!found.ok) return refusalMessage(found.refusal);
  const { id } = found.value;
  switch (command.word) {
    case 'have':
    case 'unsilence':
      return decide[command.word](on, id);
    case 'close':
    case 'reopen':
      return decide[command.word](on, id, command.reason);
    case 'silence':
      return decide.silence(on, id, { forMs: command.forMs, reason: command.reason });
    default: {
      const into = await findNamed(incidents, command.into, false);
      return into.ok ? decide.merge(on, id, into.value.id) : refusalMessage(into.refusal);
    }
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
    const why = isEnded ? 'There is no past incident.' : 'No incident is open.';
    return refuse('no-incident', why, 'Open one with /dbconn incident open REASON.');
  }
  if (others.length > 0 && !isEnded) {
    return refuse(
      'which-incident',
      `${fitting.length} incidents are open.`,
      'Add its id or target. /dbconn incidents lists them.',
    );
  }
  return done(only);
}
