import type { Finding, Severity } from './diagnosis.ts';
import type { Evidence } from './evidence.ts';
import { findAbandonedIn } from './findings/abandoned.ts';
import { findInBudget } from './findings/budget.ts';
import { findInCapacity } from './findings/capacity.ts';
import { findInDeploys } from './findings/deploy.ts';
import { findInLogins } from './findings/logins.ts';
import { findInLocks } from './findings/locks.ts';
import { findInLogs } from './findings/logs.ts';
import { findInPoolers } from './findings/poolers.ts';
import { findInPools } from './findings/pools.ts';
import { findInPoolSettings } from './findings/pool-settings.ts';
import { findInReach } from './findings/reach.ts';
import { findInRhythm } from './findings/rhythm.ts';
import { findInServices } from './findings/services.ts';
import { findInSessions } from './findings/sessions.ts';
import { findInWaits } from './findings/waits.ts';
import { findSlowerThanUsual } from './findings/slower-than-usual.ts';
import { findInSettings } from './findings/settings.ts';
import { findStrangersIn } from './findings/strangers.ts';

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
