import { stopNotice } from '../../runbook/approval/stop-notice.ts';
import { mentionOf } from '../../runbook/escalation/escalate.ts';
import type { Announcement } from '../../runbook/snapshot/ports.ts';
import type { Message } from '../messages/parts/message.ts';
import { mentioning, toMentioningMessage } from '../messages/parts/mentions.ts';
import { paragraph, richText } from '../messages/parts/rich-text.ts';
import { refusalMessage } from '../messages/refusal.ts';
import type { ActionContext } from './acting.ts';

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
    toMentioningMessage(text, [richText(paragraph(...mentioning(text)))]);
  if (cards.channel === undefined) return answer(headline);
  try {
    await announcements.announce({ to: cards.channel, mention: null, ...words });
    return answer(headline);
  } catch (err) {
    deps.log.warn({ err }, 'A notice to all could not be posted');
    return answer(`${headline} The incident channel could not be told: tell people there.`);
  }
}
