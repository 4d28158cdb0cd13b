import { stopNotice } from '../../runbook/approvals/notices.ts';
import type { Announcement } from '../../runbook/approvals/notices.ts';
import { mentionOf } from '../../runbook/approvals/people.ts';
import type { Command } from '../../runbook/commands/parse-command.ts';
import { escalate } from '../../runbook/escalation/escalate.ts';
import type { Called } from '../../runbook/escalation/escalate.ts';
import type { Message } from '../messages/kit/message.ts';
import { mentioning, paragraph, richText, toMentioningMessage } from '../messages/kit/rich-text.ts';
import { notice, refusalMessage } from '../messages/notice.ts';
import type { ActionContext, CommandDeps } from './deps.ts';
import { incidentAnswer, incidentDone } from './incident-commands.ts';

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

/** Stops all changes. Anybody may. */
export async function stopAll(context: ActionContext, reason: string): Promise<Message> {
  const { changes, actor } = context;
  const stopped = await changes.approvals.stop(actor, reason);
  if (!stopped.ok) return refusalMessage(stopped.refusal);
  changes.cards.tellStop(stopped.value);
  return tellAll(context, stopNotice(stopped.value));
}

/** Lets changes run again. */
export async function letGo(context: ActionContext, reason: string): Promise<Message> {
  const { changes, actor } = context;
  const lifted = await changes.approvals.go(actor, reason);
  if (!lifted.ok) return refusalMessage(lifted.refusal);
  // A stop set on the machine holds on, whatever an approver says here.
  const left = await changes.approvals.stopped();
  changes.cards.tellStop(left.ok ? left.value : null);
  const headline = `Changes may run again, says ${mentionOf(actor.id)}.`;
  return tellAll(context, { headline, quote: null });
}

/** Everybody in the incident channel has to know. That it could not be posted does not undo it. */
async function tellAll(
  { deps, changes }: ActionContext,
  words: Pick<Announcement, 'headline' | 'quote'>,
): Promise<Message> {
  const { announcements, cards } = changes;
  const { headline } = words;
  const answer = (text: string): Message =>
    toMentioningMessage(text, [richText(paragraph(mentioning(text)))]);
  if (cards.channel === undefined) return answer(headline);
  try {
    await announcements.announce({ to: cards.channel, mention: null, ...words });
    return answer(headline);
  } catch (err) {
    deps.log.warn({ err }, 'A notice to all could not be posted');
    return answer(`${headline} The incident channel could not be told: tell people there.`);
  }
}
