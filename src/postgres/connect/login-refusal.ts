import { DatabaseError } from 'pg';
import type { ReachError } from '../../runbook/snapshot/snapshot.ts';

type Limit = 'server' | 'role' | 'database';

const limits: Readonly<Record<Limit, ReachError>> = {
  role: {
    kind: 'full',
    scope: 'role',
    summary: "dbconn's own role has used up its connection limit.",
    fix: 'Run ALTER ROLE … CONNECTION LIMIT 3 for it, and check who else uses it.',
  },
  database: {
    kind: 'full',
    scope: 'database',
    summary: 'The database has used up its connection limit.',
    fix: 'Raise it with ALTER DATABASE … CONNECTION LIMIT, or point the url at another database of the server.',
  },
  server: {
    kind: 'full',
    scope: 'server',
    summary: 'PostgreSQL has no slot left for an ordinary role.',
    fix: 'To connect next time, set up reserved_connections and pg_use_reserved_connections (PostgreSQL 16+), a rescueUrl, or execUser.',
  },
};

/** Where PostgreSQL 13 to 18 check a limit (miscinit.c, postinit.c); every other function checks the server's. */
const limitByRoutine: Readonly<Record<string, Limit>> = {
  InitializeSessionUserId: 'role',
  CheckMyDatabase: 'database',
};

/** SQLSTATE 53300: whose limit is used up. */
export function toFull(error: unknown): ReachError {
  return limits[limitOf(error)];
}

function limitOf(error: unknown): Limit {
  if (error instanceof DatabaseError && error.routine !== undefined) {
    return limitByRoutine[error.routine] ?? 'server';
  }
  const message = error instanceof Error ? error.message : '';
  if (/connections for role/.test(message)) return 'role';
  return /connections for database/.test(message) ? 'database' : 'server';
}

/** The server lets nobody in, and what it does was found out by other means than its message. */
export class PhaseKnown extends Error {
  readonly phase: Phase;

  constructor(phase: Phase, cause: Error) {
    super('The server accepts no connections.', { cause });
    this.name = 'PhaseKnown';
    this.phase = phase;
  }
}

export type Phase = 'starting' | 'shutting-down' | 'not-accepting';

const phases: Readonly<Record<Phase, ReachError>> = {
  starting: {
    kind: 'stopped',
    detail: 'starting',
    summary: 'PostgreSQL is starting up or recovering, and accepts no connections yet.',
    fix: 'Wait. Its log shows how far recovery is; killing it would restart the recovery.',
  },
  'shutting-down': {
    kind: 'stopped',
    detail: 'shutting-down',
    summary: 'PostgreSQL is shutting down.',
    fix: 'Check who stopped it, and whether it comes back.',
  },
  'not-accepting': {
    kind: 'stopped',
    detail: 'not-accepting',
    summary: 'PostgreSQL accepts no connections: it is starting up, recovering or shutting down.',
    fix: 'Check the end of its log for the reason. Killing it would restart a recovery.',
  },
};

/** @returns the error for a server of which it was found out by other means what it does */
export function inPhase(phase: Phase, sqlstate: string): ReachError {
  return { ...phases[phase], sqlstate };
}

/** SQLSTATE 57P03: what keeps the server from letting anybody in. */
export function toStopped(error: unknown): ReachError {
  return phases[phaseOf(error)];
}

/** Every phase has the same SQLSTATE and routine: in another language than English the message tells nothing. */
function phaseOf(error: unknown): Phase {
  const message = error instanceof Error ? error.message : '';
  if (/shutting down/.test(message)) return 'shutting-down';
  if (/starting up|in recovery|not .*accepting/.test(message)) return 'starting';
  // Only recovery adds how far it is.
  const hasDetail = error instanceof DatabaseError && error.detail !== undefined;
  return hasDetail ? 'starting' : 'not-accepting';
}
