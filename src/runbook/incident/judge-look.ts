import type { Diagnosis, Finding } from '../diagnose/diagnosis.ts';
import { pressureOf } from '../diagnose/pressure.ts';
import type { Target } from '../snapshot/target.ts';

/**
 * What a look means for an incident. `trouble` opens one. `calm` lets it end: the server was seen, nothing critical
 * was, and it is below the warning line; warnings about settings or logs do not keep an incident open. `unseen`:
 * the server was not seen, so nothing can be said. `uneasy` is what lies between.
 */
export type CheckVerdict = 'trouble' | 'uneasy' | 'calm' | 'unseen';

/** True of a server on its best day too: they are mended by daylight, and would keep an incident open for ever. */
const standing: ReadonlySet<string> = new Set(['superuser-application']);

/** A look at a server ends after 4.5 s whatever the server does: where it took longer, dbconn itself stood still. */
const starvedMs = 6000;

export function judgeCheck(
  { state, capacity, findings, timings }: Judged,
  { limits }: Pick<Target, 'limits'>,
): CheckVerdict {
  if (capacity === null && timings.database > starvedMs) return 'unseen';
  // Refusing, hanging and stopped servers are judged by their finding: that nobody was let in is the trouble.
  if (findings.some(isTrouble)) return 'trouble';
  if (capacity === null || state === 'unknown') return 'unseen';
  return pressureOf(capacity, limits) === 'none' ? 'calm' : 'uneasy';
}

type Judged = Pick<Diagnosis, 'state' | 'capacity' | 'findings' | 'timings'>;

/** Nobody answers where it is. Of a wrong password or a missing right the server itself tells. */
export function isOutOfReach({ reach }: Pick<Diagnosis, 'reach'>): boolean {
  return reach.via === 'none' && reach.error?.kind === 'network';
}

function isTrouble({ severity, id }: Finding): boolean {
  return severity === 'critical' && !standing.has(id);
}

/** What an alert about an application's pool is about; a calm server says nothing of it. */
export function hasPoolNearLimit({ findings }: Pick<Diagnosis, 'findings'>): boolean {
  return findings.some(({ id }) => id === 'pool-near-limit');
}
