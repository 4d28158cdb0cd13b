import type { Actor } from '../approval/actor.ts';

/** How a person is called in a sentence; Slack renders the mention as a name. */
export function actorName({ id, via }: Actor): string {
  if (via === 'slack') return `<@${id}>`;
  return via === 'terminal' ? 'somebody at the terminal' : 'dbconn';
}
