import type { Cause } from '../diagnosis.ts';
import { count, duration, percent } from '../words.ts';
import type { Picture } from './picture.ts';
import { sign, weigh } from './weigh.ts';

/** Connections held by queries that run long, not by ones that wait for a lock. */
export function judgeSlowQueries(picture: Picture): Cause[] {
  const { slow, used, working, waiting, atLimit, poolTimeouts, evidence } = picture;
  if (slow === 0) return [];
  const share = slow / Math.max(1, used);
  const many = slow >= 3 || share >= 0.1;
  const limitMs = evidence.target.limits.slowQueryMs;
  return weigh(
    'slow-queries',
    `${count(slow, 'long query holds', 'long queries hold')} connections.`,
    [
      {
        weight: many ? 0.35 : 0.1,
        say: `${count(slow, 'query has', 'queries have')} run for over ${duration(limitMs / 1_000)} without waiting for a lock.`,
      },
      ...sign(share >= 0.15, 0.1, `They hold ${percent(share)} of all connections.`),
      ...sign(share >= 0.3, 0.15, 'That is a large part of them.'),
      ...sign(
        slow >= Math.max(1, working) * 0.6,
        0.15,
        `Of ${working} sessions at work, ${slow} run that long.`,
      ),
      ...sign(
        many && (atLimit.length > 0 || poolTimeouts > 0),
        0.1,
        'Pools are used up while their queries run.',
      ),
      ...sign(waiting > slow, -0.2, `More sessions, ${waiting}, wait for locks.`),
      ...sign(
        share < 0.05 && picture.pressure !== 'none',
        -0.15,
        `They hold only ${slow} of ${used} connections.`,
      ),
    ],
  );
}
