import { z } from 'zod';

/**
 * Where a bot is killed: on one side of a write to its journal, or after Slack or the pager took something and before
 * the bot heard of it.
 */
export const Point = z.strictObject({
  /** What is done there, such as `incident-escalated channel` or `chat.postMessage thread`. */
  label: z.string(),
  /** Of those with this label, counted from 1 through the whole story, whoever does them. */
  nth: z.number().int(),
  when: z.enum(['before', 'after']),
});
export type Point = z.infer<typeof Point>;

export function isSame(one: Point, other: Point): boolean {
  return one.label === other.label && one.nth === other.nth && one.when === other.when;
}

export function nameOf({ label, nth, when }: Point): string {
  return `${when} ${label} ${nth}`;
}
