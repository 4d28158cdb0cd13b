import { createBlockers } from '../postgres/privileged/blockers.ts';
import { createIdleSessions } from '../postgres/privileged/idle-sessions.ts';
import { createPreparedTransactions } from '../postgres/privileged/prepared-transactions.ts';
import { createRoleLimits } from '../postgres/privileged/role-limits.ts';
import { createServerSettings } from '../postgres/privileged/server-settings.ts';
import { createTimeouts } from '../postgres/privileged/timeouts.ts';
import type { TargetAdapters } from '../runbook/loop/target-monitor.ts';

/** What changes something in PostgreSQL, by the role that may. */
export function openPrivileged(
  url: string,
  ownRoles: readonly string[] = [],
): Pick<
  TargetAdapters,
  'privileged' | 'blockers' | 'prepared' | 'timeouts' | 'roleLimits' | 'serverSettings'
> {
  return {
    privileged: createIdleSessions({ url }),
    blockers: createBlockers({ url }),
    prepared: createPreparedTransactions({ url }),
    timeouts: createTimeouts({ url, ownRoles }),
    roleLimits: createRoleLimits({ url, ownRoles }),
    serverSettings: createServerSettings(url),
  };
}
