import { count, durationOfSeconds, inSeconds, percent } from '../../snapshot/words.ts';
import { troubles } from '../diagnosis-parts.ts';
import type { Cause } from '../diagnosis.ts';
import type { Dragging } from '../recent-checks.ts';
import { findSaturation } from '../waits.ts';
import type { CauseInput } from './cause-input.ts';
import { indicator, scoreCause } from './cause-input.ts';

/** Many short ones, each far slower than usual: more connections would only make more of them run at once. */
function fromDragging(
  { used, working, refused, evidence }: CauseInput,
  { sessions, seconds, usual }: Dragging,
): Cause[] {
  const share = sessions / Math.max(1, used);
  const saturation = findSaturation(evidence);
  return scoreCause(
    'slow-queries',
    sessions === 1
      ? `1 query takes ${inSeconds(seconds)}.`
      : `${sessions} queries take ${inSeconds(seconds)} each.`,
    [
      {
        weight: 0.15,
        sentence: `${sessions} of ${count(working, 'active session')} run the same statement.`,
      },
      ...indicator(share >= 0.15, 0.1, `They hold ${percent(share)} of all connections.`),
      ...indicator(share >= 0.3, 0.15, 'That is a large part of them.'),
      ...(usual === null
        ? [
            { weight: 0.1, sentence: 'Each takes seconds.' },
            { weight: 0, sentence: 'How long they usually take is not known.' },
          ]
        : [
            {
              weight: 0.35,
              sentence:
                usual.active === 0
                  ? 'Normally almost no query is running.'
                  : `Normally ${count(usual.active, 'query runs', 'queries run')} at a time, ${inSeconds(usual.seconds)} each.`,
            },
          ]),
      ...indicator(refused, 0.05, 'Connections are being refused.'),
      // A plan that reads everything is slow for the same reason.
      ...indicator(
        saturation !== undefined,
        -0.2,
        `The server has another problem: ${saturation === undefined ? '' : troubles[saturation.class]}.`,
      ),
    ],
  );
}

/** Connections held by queries that run long, not by ones that wait for a lock. */
export function judgeSlowQueries(input: CauseInput): Cause[] {
  const { slow, used, working, waiting, atLimit, poolTimeouts, evidence, dragging } = input;
  const saturation = findSaturation(evidence);
  if (saturation?.class === 'internal-locks') return [];
  if (dragging !== undefined && dragging.sessions > slow) return fromDragging(input, dragging);
  if (slow === 0) return [];
  const share = slow / Math.max(1, used);
  const many = slow >= 3 || share >= 0.1;
  const limitMs = evidence.target.limits.slowQueryMs;
  return scoreCause(
    'slow-queries',
    `${count(slow, 'long query holds', 'long queries hold')} connections.`,
    [
      {
        weight: many ? 0.35 : 0.1,
        sentence: `${count(slow, 'query has', 'queries have')} run for over ${durationOfSeconds(limitMs / 1_000)} without waiting for a lock.`,
      },
      ...indicator(share >= 0.15, 0.1, `They hold ${percent(share)} of all connections.`),
      ...indicator(share >= 0.3, 0.15, 'That is a large part of them.'),
      ...indicator(
        slow >= Math.max(1, working) * 0.6,
        0.15,
        `Of ${count(working, 'active session')}, ${slow} run that long.`,
      ),
      ...indicator(
        many && (atLimit.length > 0 || poolTimeouts > 0),
        0.1,
        'Pools are exhausted while these queries run.',
      ),
      ...indicator(
        saturation !== undefined,
        -0.4,
        `${count(saturation?.lasting ?? 0, 'active session is', 'active sessions are')} slow for another reason: ${saturation === undefined ? '' : troubles[saturation.class]}.`,
      ),
      ...indicator(waiting > slow, -0.2, `More sessions (${waiting}) wait for locks.`),
      ...indicator(
        share < 0.05 && input.pressure !== 'none',
        -0.15,
        `They hold only ${slow} of ${used} connections.`,
      ),
    ],
  );
}
