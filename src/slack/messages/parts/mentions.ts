import type { Actor } from '../../../runbook/approval/actor.ts';
import { cleanUntrusted } from '../../../runbook/diagnose/untrusted.ts';
import { ownLimits } from '../../limits.ts';
import type { Message, MessageBlock } from './message.ts';
import { toMessage } from './message.ts';
import { between, plain } from './rich-text.ts';
import type { Leaf } from './rich-text.ts';

const mention = /<(@[UW][A-Z0-9]+|!subteam\^S[A-Z0-9]+)>/;

/**
 * A sentence of the runbook with its `<@U…>` and `<!subteam^S…>` as mentions. For sentences without text from
 * elsewhere only: whoever could write one of these into them could call people.
 */
export function mentioning(text: string): Leaf[] {
  return cleanUntrusted(text, ownLimits.leafCharacters)
    .split(mention)
    .flatMap((part, index) => {
      if (part === '') return [];
      return [index % 2 === 1 ? toMention(part) : between(part)];
    });
}

function toMention(part: string): Leaf {
  return part.startsWith('@')
    ? { type: 'user', user_id: part.slice(1) }
    : { type: 'usergroup', usergroup_id: part.slice('!subteam^'.length) };
}

/** The same without calling a group: it was called once, where that was meant. */
export function withoutGroups(leaves: readonly Leaf[]): Leaf[] {
  return leaves.map((leaf) => (leaf.type === 'usergroup' ? plain('their group') : leaf));
}

/** A person or a user group by id. */
export function mentionLeaf(id: string): Leaf {
  return toMention(id.startsWith('S') ? `!subteam^${id}` : `@${id}`);
}

export function actorLeaf({ id, via }: Actor): Leaf {
  return via === 'slack' ? mentionLeaf(id) : plain(`somebody at the ${via}`);
}

/** As toMessage, with the mentions of such a sentence kept in the text that notifications show. */
export function toMentioningMessage(text: string, blocks: readonly MessageBlock[]): Message {
  const message = toMessage(text, blocks);
  const kept = message.text.replaceAll(
    /&lt;(@[UW][A-Z0-9]+|!subteam\^S[A-Z0-9]+)&gt;/g,
    (_, inner: string) => `<${inner}>`,
  );
  return { ...message, text: kept };
}
