import type { Finding, Severity } from './diagnosis.ts';
import type { Evidence } from './evidence.ts';
import { findInBudget } from './findings/budget.ts';
import { findInCapacity } from './findings/capacity.ts';
import { findInLocks } from './findings/locks.ts';
import { findInLogs } from './findings/logs.ts';
import { findInPools } from './findings/pools.ts';
import { findInPoolSettings } from './findings/pool-settings.ts';
import { findInReach } from './findings/reach.ts';
import { findInServices } from './findings/services.ts';
import { findInSessions } from './findings/sessions.ts';
import { findInSettings } from './findings/settings.ts';

const bySeverity: Record<Severity, number> = { critical: 0, warning: 1, info: 2 };

/** Everything worth saying about this moment, the worst first; within a severity in the runbook's order. */
export function findAll(evidence: Evidence): Finding[] {
  return [
    findInReach,
    findInCapacity,
    findInSessions,
    findInLocks,
    findInPools,
    findInLogs,
    findInServices,
    findInBudget,
    findInSettings,
    findInPoolSettings,
  ]
    .flatMap((find) => find(evidence))
    .toSorted((a, b) => bySeverity[a.severity] - bySeverity[b.severity]);
}
