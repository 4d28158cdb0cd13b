import type { Announcement } from '../snapshot/ports.ts';
import { nameOf } from '../remedies/action.ts';
import type { Contacts } from '../snapshot/target.ts';
import type { ApprovalRequest } from './request.ts';

/** What everybody has to know of a request that ran without its votes; undefined for one that did not. */
export function breakGlassNotice(
  { brokenGlass, option, target, plan }: ApprovalRequest,
  { onCall, databaseAdmins }: Contacts,
): Pick<Announcement, 'headline' | 'mention' | 'quote'> | undefined {
  if (brokenGlass === null) return undefined;
  const { by, reason } = brokenGlass;
  // Only configured names may do this, so the name of a terminal's user is no text from elsewhere.
  const who = by.via === 'slack' ? `<@${by.id}>` : `${by.id} at the ${by.via}`;
  const headline = `Break-glass: ${who} ran ${nameOf(option)} for ${target} without the votes it needs. ${plan.title}.`;
  return { headline, mention: onCall ?? databaseAdmins ?? null, quote: reason };
}
