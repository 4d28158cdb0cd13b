import { mentionOf } from '../escalation/escalate.ts';

const mostMentions = 5;

/** `<@U1> or <@U2>`, at most five, so that a refusal stays a sentence. Slack renders ids as names. */
export function mentions(ids: readonly string[]): string {
  if (ids.length === 0) return 'somebody who may';
  const shown = ids.slice(0, mostMentions).map(mentionOf);
  return ids.length > mostMentions ? `${shown.join(', ')} or another of them` : shown.join(' or ');
}
