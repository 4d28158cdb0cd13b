import type { Refusal } from '../../runbook/remedies/remedy.ts';
import type { Message } from './parts/message.ts';
import { mentioning, toMentioningMessage } from './parts/mentions.ts';
import { between, paragraph, richText } from './parts/rich-text.ts';

/** Why something was not done, and what to do next; for one person, because its mentions call nobody there. */
export function refusalMessage({ why, next }: Refusal): Message {
  const leaves = [...mentioning(why), between(' '), ...mentioning(next)];
  return toMentioningMessage(`${why} ${next}`, [richText(paragraph(...leaves))]);
}
