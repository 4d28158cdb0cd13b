import { z } from 'zod';
import { RemedyRequest } from './ask.ts';

/** What became of one target. */
export const Item = z.strictObject({
  /** `pid 4711`, a container's name. */
  what: z.string(),
  outcome: z.enum([
    'ended',
    'already gone',
    'moved on',
    'refused',
    'still there',
    'cancelled',
    'rolled back',
    'set',
    'put back',
    'restarted',
    'recreated',
    'unhealthy',
    'crash loop',
    'failed',
    'not reached',
    'unknown',
  ]),
  /** A sentence. */
  detail: z.string(),
  /** Redacted log lines of a container that did not come up, at most 11. Untrusted text. */
  lines: z.array(z.string()),
});
export type Item = z.infer<typeof Item>;

/** What a remedy did. It says nothing of whether that helped: verifying does. */
export const Report = z.strictObject({
  items: z.array(Item),
  /** Figures and configured names only. */
  summary: z.string(),
  /** False when it stopped before its end, for whatever reason the summary gives. */
  finished: z.boolean(),
  /** What it found on the way and did not touch: each would be a plan and a vote of its own. */
  followUps: z.array(RemedyRequest).max(5).exactOptional(),
});
export type Report = z.infer<typeof Report>;

/** `3 ended, 1 moved on`, commonest first. */
export function countOutcomes(items: readonly Item[]): string {
  const counts = new Map<string, number>();
  for (const { outcome } of items) counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
  const parts = [...counts].sort((a, b) => b[1] - a[1]).map(([name, n]) => `${n} ${name}`);
  return parts.length === 0 ? 'nothing was done' : parts.join(', ');
}

/** Whether a change was begun and taken back, so that everything is as it was. */
export function wasTakenBack({ items }: Pick<Report, 'items'>): boolean {
  const isBack = ({ outcome }: Item): boolean => outcome === 'put back';
  return (
    items.some(isBack) && items.every((item) => isBack(item) || item.outcome === 'not reached')
  );
}
