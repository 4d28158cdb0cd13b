import { stopNotice } from '../../runbook/approval/stop-notice.ts';
import { mentionOf } from '../../runbook/escalate/escalate.ts';
import type { Announcement } from '../../runbook/ports.ts';
import type { Message } from '../messages/parts/message.ts';
import { mentioning, toMentioningMessage } from '../messages/parts/mentions.ts';
import { paragraph, richText } from '../messages/parts/rich-text.ts';
import { refusalMessage } from '../messages/refusal.ts';
import type { Acting } from './acting.ts';

/** Stops all changes. Anybody may. */
export async function stopAll(acting: Acting, reason: string): Promise<Message> {
  const { changes, actor } = acting;
  const stopped = await changes.door.stop(actor, reason);
  if (!stopped.ok) return refusalMessage(stopped.refusal);
  changes.cards.tellStop(stopped.value);
  return tellAll(acting, stopNotice(stopped.value));
}

/** Lets changes run again. */
export async function letGo(acting: Acting, reason: string): Promise<Message> {
  const { changes, actor } = acting;
  const lifted = await changes.door.go(actor, reason);
  if (!lifted.ok) return refusalMessage(lifted.refusal);
  // A stop set on the machine holds on, whatever an approver says here.
  const left = await changes.door.stopped();
  changes.cards.tellStop(left.ok ? left.value : null);
  const headline = `Changes may run again, says ${mentionOf(actor.id)}.`;
  return tellAll(acting, { headline, quote: null });
}

/** Everybody in the incident channel has to know. That it could not be posted does not undo it. */
async function tellAll(
  { deps, changes }: Acting,
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
