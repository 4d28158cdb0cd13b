import type { Finding, Severity } from './diagnosis.ts';
import type { Evidence } from './evidence.ts';
import { findAbandonedIn, findStrangersIn } from './findings/abandoned.ts';
import { findInCapacity, findInSettings } from './findings/capacity.ts';
import { findInLocks, findInWaits } from './findings/locks.ts';
import { findInLogins, findInRhythm } from './findings/logins.ts';
import { findInLogs } from './findings/logs.ts';
import { findInPoolers } from './findings/poolers.ts';
import { findInBudget, findInPoolSettings, findInPools } from './findings/pools.ts';
import { findInReach } from './findings/reach.ts';
import { findInDeploys, findInServices } from './findings/services.ts';
import { findInSessions, findSlowerThanUsual } from './findings/sessions.ts';

const bySeverity: Record<Severity, number> = { critical: 0, warning: 1, info: 2 };

/** Everything worth saying about this moment, the worst first; within a severity in the runbook's order. */
export function findAll(evidence: Evidence): Finding[] {
  return [
    findInReach,
    findInCapacity,
    findInSessions,
    findInLogins,
    findInWaits,
    findSlowerThanUsual,
    findInLocks,
    findInPoolers,
    findInPools,
    findInLogs,
    findInServices,
    findInDeploys,
    findStrangersIn,
    findAbandonedIn,
    findInRhythm,
    findInBudget,
    findInSettings,
    findInPoolSettings,
  ]
    .flatMap((find) => find(evidence))
    .toSorted((a, b) => bySeverity[a.severity] - bySeverity[b.severity]);
}
