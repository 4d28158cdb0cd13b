import { toCauseInput } from '../causes/picture.ts';
import type { Finding } from '../diagnosis.ts';
import type { Evidence } from '../evidence.ts';
import { count, inSeconds } from '../../snapshot/words.ts';

/** Many short queries that are slow only against what is usual: no threshold for a single one shows them. */
export function findSlowerThanUsual(evidence: Evidence): Finding[] {
  const { dragging } = toCauseInput(evidence);
  if (dragging === undefined) return [];
  const { sessions, seconds, usual } = dragging;
  const than = usual === null || usual.active === 0 ? '' : `; usual is ${inSeconds(usual.seconds)}`;
  return [
    {
      id: 'slower-than-usual',
      severity: 'warning',
      summary: `${count(sessions, 'session runs', 'sessions run')} the same statement, each for ${inSeconds(seconds)}${than}.`,
      figure: { value: seconds, unit: 'seconds', ...(usual !== null && { limit: usual.seconds }) },
      evidence: [],
      fix: 'See its plan with EXPLAIN and compare it with the usual one: ANALYZE its tables, look for a missing index. More connections would only run more of it at once.',
    },
  ];
}
