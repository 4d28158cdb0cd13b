import { randomBytes, randomInt } from 'node:crypto';
import { SlackRefusal } from './slack-refusal.ts';

/** A trigger opens one modal and lives three seconds. */
const TRIGGER_LIFE_MS = 3000;
/** An expired trigger is remembered this long, to say `expired` rather than `invalid`. */
const MEMORY_MS = 60 * 60 * 1000;

export interface Triggers {
  /** A fresh trigger_id for something this person just did. */
  issue(user: string): string;
  /**
   * The person whose trigger it is; it cannot be used again.
   * @throws SlackRefusal `invalid_trigger_id`, `expired_trigger_id` or `exchanged_trigger_id`.
   */
  exchange(triggerId: string): string;
}

export function createTriggers(now: () => number): Triggers {
  const issued = new Map<string, { user: string; atMs: number; exchanged: boolean }>();
  return {
    issue(user) {
      for (const [old, { atMs }] of issued) if (now() - atMs > MEMORY_MS) issued.delete(old);
      const triggerId = `${randomInt(1e12)}.${randomInt(1e12)}.${randomBytes(16).toString('hex')}`;
      issued.set(triggerId, { user, atMs: now(), exchanged: false });
      return triggerId;
    },
    exchange(triggerId) {
      const trigger = issued.get(triggerId);
      if (trigger === undefined) throw new SlackRefusal('invalid_trigger_id');
      if (trigger.exchanged) throw new SlackRefusal('exchanged_trigger_id');
      if (now() - trigger.atMs > TRIGGER_LIFE_MS) throw new SlackRefusal('expired_trigger_id');
      trigger.exchanged = true;
      return trigger.user;
    },
  };
}
