import { stopNotice } from '../../runbook/approvals/notices.ts';
import type { Announcement } from '../../runbook/approvals/notices.ts';
import { mentionOf } from '../../runbook/approvals/people.ts';
import type { Command } from '../../runbook/commands/parse-command.ts';
import { escalate } from '../../runbook/escalation/escalate.ts';
import type { Called } from '../../runbook/escalation/escalate.ts';
import type { EscalationRequest } from '../../runbook/incidents/rules.ts';
import type { Target } from '../../runbook/snapshot/target.ts';
import type { Message } from '../messages/kit/message.ts';
import { mentioning, paragraph, richText, toMentioningMessage } from '../messages/kit/rich-text.ts';
import { notice, refusalMessage } from '../messages/notice.ts';
import { onTarget } from './deps.ts';
import type { Interaction } from './deps.ts';
import { decide } from './incident-commands.ts';

/** Calls the runbook's contacts: through the target's open incident, else with what a check says. */
export function callForHelp(
  on: Interaction,
  { ask, target: name }: Extract<Command, { kind: 'escalate' }>,
): Promise<Message> {
  return onTarget(on, name, async (target) => {
    const open = await on.incidents.current(name);
    // What cannot be read is no reason to call nobody: then it goes out as without an incident.
    if (open.ok && open.value !== null) return decide.help(on, open.value.id, ask);
    return callContacts(on, target, ask);
  });
}

async function callContacts(
  on: Interaction,
  { name, contacts }: Target,
  ask: EscalationRequest,
): Promise<Message> {
  const { actor, announcements, channel, journal, log, pagingOf } = on;
  let failure: unknown;
  const quietly: typeof announcements = {
    async announce(announcement) {
      await announcements.announce(announcement).catch((err: unknown) => {
        failure = err ?? 'no reason';
      });
    },
  };
  const headline = await headlineOf(on, name);
  const escalating = { ...ask, target: name, actor, contacts, channel, headline };
  const paging = pagingOf(name);
  const called = await escalate(
    { journal, announcements: quietly, ...(paging !== undefined && { paging }) },
    escalating,
  );
  if (!called.ok) return refusalMessage(called.refusal);
  if (failure !== undefined) {
    log.warn({ err: failure }, 'A call for help could not be sent');
    return notice(`It is recorded, but Slack refused the message. Call ${ask.role} yourself.`);
  }
  return notice(sentFor(called.value));
}

function sentFor({ via, to }: Called): string {
  if (via === 'channel') return 'They were notified in the incident channel.';
  if (via === 'direct') return 'They were notified in a direct message. Tell the incident channel.';
  return `They were paged by ${to}. Tell the incident channel.`;
}

/** A call for help goes out with or without figures. */
async function headlineOf(
  { log, monitor }: Interaction,
  name: string,
): Promise<string | undefined> {
  try {
    return (await monitor.diagnose(name)).headline;
  } catch (err) {
    log.warn({ err, target: name }, 'A call for help goes out without a check');
    return undefined;
  }
}

/** Stops all changes. Anybody may. */
export async function stopAll(on: Interaction, reason: string): Promise<Message> {
  const { approvals, actor, cards } = on;
  const stopped = await approvals.stop(actor, reason);
  if (!stopped.ok) return refusalMessage(stopped.refusal);
  cards.tellStop(stopped.value);
  return tellAll(on, stopNotice(stopped.value));
}

/** Lets changes run again. */
export async function letGo(on: Interaction, reason: string): Promise<Message> {
  const { approvals, actor, cards } = on;
  const lifted = await approvals.go(actor, reason);
  if (!lifted.ok) return refusalMessage(lifted.refusal);
  // A stop set on the machine holds on, whatever an approver says here.
  const left = await approvals.stopped();
  cards.tellStop(left.ok ? left.value : null);
  const headline = `${mentionOf(actor.id)} resumed changes.`;
  return tellAll(on, { headline, quote: null });
}

/** Everybody in the incident channel has to know. That it could not be posted does not undo it. */
async function tellAll(
  { announcements, cards, log }: Interaction,
  words: Pick<Announcement, 'headline' | 'quote'>,
): Promise<Message> {
  const { headline } = words;
  const answer = (text: string): Message =>
    toMentioningMessage(text, [richText(paragraph(mentioning(text)))]);
  if (cards.channel === undefined) return answer(headline);
  try {
    await announcements.announce({ to: cards.channel, mention: null, ...words });
    return answer(headline);
  } catch (err) {
    log.warn({ err }, 'A notice to all could not be posted');
    return answer(`${headline} It could not be posted in the incident channel: tell people there.`);
  }
}
