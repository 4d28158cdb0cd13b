import type { Finding } from '../diagnosis.ts';
import type { Evidence } from '../evidence.ts';
import { pressureOf } from '../pressure.ts';
import { findRhythm } from '../rhythm.ts';
import { count, durationOfSeconds } from '../../snapshot/words.ts';

const stormMs = 5 * 60_000;
/** So large a share of the sessions is new, and so large a share of the slots is taken, when everybody comes back. */
const stormShare = 0.8;
const stormUse = 0.5;

/** What comes again and again at the same distance, and what came back all at once. */
export function findInRhythm(evidence: Evidence): Finding[] {
  const { capacity, target } = evidence;
  const severity = pressureOf(capacity, target.limits) === 'none' ? 'info' : 'warning';
  return [...regular(evidence), ...storm(evidence)].map((found) => ({ ...found, severity }));
}

function regular({ history }: Evidence): Omit<Finding, 'severity'>[] {
  const rhythm = findRhythm(history);
  if (rhythm === null) return [];
  const { periodSeconds, bursts, size } = rhythm;
  return [
    {
      id: 'connection-rhythm',
      summary: `Every ${durationOfSeconds(periodSeconds)} up to ${count(size, 'connection')} ${size === 1 ? 'comes' : 'come'} at once, ${bursts} times in what dbconn remembers.`,
      figure: { value: Math.round(periodSeconds), unit: 'seconds between bursts' },
      evidence: [
        'Pools that replace their connections in the same minute, or jobs that begin together.',
      ],
      fix: 'Spread them: other minutes for jobs, and another DATABASE_POOL_RECYCLE for each service.',
    },
  ];
}

/** After a fail-over or a restart of the network: the slots are as full as before, and hardly a session is older. */
function storm({ reading, capacity, history }: Evidence): Omit<Finding, 'severity'>[] {
  if (reading === undefined || capacity === null) return [];
  const { newIn300s } = reading.counts;
  const now = Date.parse(history.at(-1)?.at ?? '');
  const before = history.findLast(({ at }) => now - Date.parse(at) >= stormMs);
  const isNew = newIn300s >= capacity.used * stormShare && capacity.utilisation >= stormUse;
  if (!isNew || before === undefined || before.used < capacity.used * stormUse) return [];
  return [
    {
      id: 'reconnect-storm',
      summary: `${newIn300s} of ${count(capacity.used, 'connection')} began in the last 5 minutes, and ${before.used} were there before: clients came back all at once.`,
      figure: { value: newIn300s, unit: 'connections' },
      evidence: [`The server started ${reading.startedAt}.`],
      fix: 'Let clients come back with a growing, random pause; a pooler in between opens fewer at once.',
    },
  ];
}
