import type { Examination } from '../diagnose/evidence.ts';
import { toGround } from './advice/ground.ts';
import { checkServiceSettings } from './advice/service-settings.ts';
import type { Prevention } from './prevention.ts';
import { checkPoolers } from './prevention/check-pooler.ts';
import { checkPools } from './prevention/check-pools.ts';
import { checkServer } from './prevention/check-server.ts';

/**
 * The runbook's Prevention section against reality: every setting it recommends, what is known of it, and what to
 * type to change it. Pure: the same look gives the same answer.
 */
export function readPrevention(
  examination: Pick<Examination, 'target' | 'snapshot' | 'diagnosis'>,
): Prevention {
  const ground = toGround(examination.target, examination);
  return {
    target: examination.target.name,
    lookedAt: examination.snapshot.takenAt,
    checks: [
      ...checkPools(ground),
      ...checkServiceSettings(ground),
      ...checkServer(ground),
      ...checkPoolers(ground, examination.snapshot.poolers),
    ],
    poolers: examination.diagnosis.poolers ?? [],
  };
}
