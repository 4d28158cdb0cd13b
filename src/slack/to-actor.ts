import type { Actor } from '../runbook/approval/actor.ts';

/** Who did something, as Slack itself says it: the ids of the person and of the workspace they belong to. */
export function toActor(id: string, team: string | null | undefined): Actor {
  return { id, via: 'slack', ...(typeof team === 'string' && team !== '' && { team }) };
}
