import type { TargetCheck } from '../diagnose/evidence.ts';
import { toAdviceInput } from './advice/ground.ts';
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
  check: Pick<TargetCheck, 'target' | 'snapshot' | 'diagnosis'>,
): Prevention {
  const input = toAdviceInput(check.target, check);
  return {
    target: check.target.name,
    lookedAt: check.snapshot.takenAt,
    checks: [
      ...checkPools(input),
      ...checkServiceSettings(input),
      ...checkServer(input),
      ...checkPoolers(input, check.snapshot.poolers),
    ],
    poolers: check.diagnosis.poolers ?? [],
  };
}
