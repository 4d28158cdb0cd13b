import type { Announcement } from '../../runbook/approvals/notices.ts';
import type { Refusal } from '../../runbook/remedies/remedy.ts';
import { sentence } from './diagnosis-parts.ts';
import { toMessage } from './kit/message.ts';
import type { Message } from './kit/message.ts';
import {
  mentionLeaf,
  mentioning,
  paragraph,
  quote,
  richText,
  toMentioningMessage,
  rich,
} from './kit/rich-text.ts';

/** A call for help or a notice to all: who is meant, what is the matter, and what somebody wrote about it. */
export function announcementMessage({ mention, headline, quote: quoted }: Announcement): Message {
  const called = mention === null ? [] : rich`${mentionLeaf(mention)} `;
  return toMentioningMessage(headline, [
    richText(
      paragraph([...called, ...mentioning(headline)]),
      ...(quoted === null ? [] : [quote(quoted)]),
    ),
  ]);
}

/** One plain sentence, for everything that is no diagnosis. */
export function notice(text: string): Message {
  return toMessage(text, [sentence(text)]);
}

/** Why something was not done, and what to do next; for one person, because its mentions call nobody there. */
export function refusalMessage({ why, next }: Refusal): Message {
  const leaves = [...mentioning(why), ...rich` `, ...mentioning(next)];
  return toMentioningMessage(`${why} ${next}`, [richText(paragraph(leaves))]);
}
