import type { Announcement } from '../../runbook/snapshot/ports.ts';
import type { Message } from './parts/message.ts';
import { mentioning, mentionLeaf, toMentioningMessage } from './parts/mentions.ts';
import { between, paragraph, quote, richText } from './parts/rich-text.ts';

/** A call for help or a notice to all: who is meant, what is the matter, and what somebody wrote about it. */
export function announcementMessage({ mention, headline, quote: quoted }: Announcement): Message {
  const called = mention === null ? [] : [mentionLeaf(mention), between(' ')];
  return toMentioningMessage(headline, [
    richText(
      paragraph(...called, ...mentioning(headline)),
      ...(quoted === null ? [] : [quote(quoted)]),
    ),
  ]);
}
