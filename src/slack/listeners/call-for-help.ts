import { escalate } from '../../runbook/escalation/escalate.ts';
import type { Called } from '../../runbook/escalation/escalate.ts';
import type { Command } from '../../runbook/commands/parse-command.ts';
import { notice } from '../messages/notice.ts';
import type { Message } from '../messages/parts/message.ts';
import { refusalMessage } from '../messages/refusal.ts';
import type { ActionContext } from './acting.ts';
import { incidentAnswer, incidentDone } from './incident-answers.ts';
import type { CommandDeps } from './command-deps.ts';

/** Calls the runbook's contacts: through the target's open incident, else with the state a look has. */
export async function callForHelp(
  { deps, changes, actor }: ActionContext,
  { ask, target: name }: Extract<Command, { kind: 'escalate' }>,
): Promise<Message> {
  const { journal, announcements, incidents } = changes;
  const target = deps.runbook.targets.find((candidate) => candidate.name === name);
  if (target === undefined) return notice('No target is configured. Add one to dbconn.yml.');
  const open = await incidents?.current(name);
  // What cannot be read is no reason to call nobody: then it goes out as without an incident.
  if (incidents !== undefined && open?.ok === true && open.value !== null) {
    return incidentAnswer(await incidents.escalate(open.value.id, actor, ask), incidentDone.help);
  }
  const { contacts } = target;
  let failure: unknown;
  const quietly: typeof announcements = {
    async announce(announcement) {
      await announcements.announce(announcement).catch((err: unknown) => {
        failure = err ?? 'no reason';
      });
    },
  };
  const headline = await headlineOf(deps, name);
  const { channel } = deps;
  const escalating = { ...ask, target: name, actor, contacts, channel, headline };
  const paging = changes.pagingOf?.(name);
  const called = await escalate(
    { journal, announcements: quietly, ...(paging !== undefined && { paging }) },
    escalating,
  );
  if (!called.ok) return refusalMessage(called.refusal);
  if (failure !== undefined) {
    deps.log.warn({ err: failure }, 'A call for help could not be sent');
    return notice(`It is recorded, but Slack did not take it. Call ${ask.role} by hand.`);
  }
  return notice(sentFor(called.value));
}

function sentFor({ via, to }: Called): string {
  if (via === 'channel') return 'They were called in the incident channel.';
  if (via === 'direct')
    return 'They were written to directly. Tell the incident channel that you did.';
  return `${to} was told to wake them. Tell the incident channel that you did.`;
}

/** A call for help goes out with or without figures. */
async function headlineOf(
  { log, runbook }: CommandDeps,
  name: string,
): Promise<string | undefined> {
  try {
    return (await runbook.diagnose(name)).headline;
  } catch (err) {
    log.warn({ err, target: name }, 'A call for help goes without a look');
    return undefined;
  }
}
