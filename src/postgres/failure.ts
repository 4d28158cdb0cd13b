import type { ReachError } from '../runbook/diagnose/snapshot.ts';

/** Our own clock ran out before PostgreSQL said anything. */
export class PostgresTimeout extends Error {
  /** Whether somebody had taken the connection: a frozen server's kernel still does. */
  readonly wasReached: boolean;

  constructor(what: string, ms: number, wasReached = true) {
    super(`${what} took longer than ${Math.round(ms)} ms.`);
    this.name = 'PostgresTimeout';
    this.wasReached = wasReached;
  }
}

/** The database url asks for what cannot be done. The message is for the operator and holds no part of the url. */
export class UnusableUrl extends Error {
  override readonly name = 'UnusableUrl';
}

/**
 * The one place where SQLSTATEs, errnos and messages become words of the runbook.
 * SQLSTATE 53300 covers several limits that only the message tells apart (PostgreSQL source, postinit.c).
 * The sentences name no host, user or database: those of the error may be secrets, and are never repeated.
 */
export function toReachError(error: unknown): ReachError {
  if (error instanceof PostgresTimeout) return error.wasReached ? frozen : unanswered;
  if (error instanceof UnusableUrl) {
    return { kind: 'network', summary: error.message, fix: 'Correct the database url.' };
  }
  const { code, message } = partsOf(error);
  return (
    byState(code, message) ??
    byErrno(code) ??
    byMessage(message) ?? {
      kind: 'network',
      summary: `The connection to PostgreSQL failed${code === undefined ? '' : ` (${code})`}.`,
      fix: 'Check the address of the target, the network between, and TLS.',
    }
  );
}

/** An ordinary role is refused, and a privileged one may still get in. */
export function isFull(error: ReachError): boolean {
  return error.kind === 'full' && error.scope !== 'pooler';
}

function partsOf(error: unknown): { code: string | undefined; message: string } {
  if (!(error instanceof Error)) return { code: undefined, message: '' };
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  if (error instanceof AggregateError && error.errors.length > 0) {
    const first = partsOf(error.errors[0]);
    return { code: code ?? first.code, message: error.message || first.message };
  }
  return { code, message: error.message };
}

const frozen: ReachError = {
  kind: 'frozen',
  summary: 'PostgreSQL accepted the connection or the question, and does not answer.',
  fix: 'See whether its processes are stopped, or its disk or memory is exhausted: docker top, dmesg.',
};

const unanswered: ReachError = {
  kind: 'network',
  summary: 'The address of PostgreSQL does not answer.',
  fix: 'See whether its machine is up and a firewall lets dbconn through. A frozen server that many wait for looks the same.',
};

const starting: ReachError = {
  kind: 'stopped',
  detail: 'starting',
  summary: 'PostgreSQL is starting up or recovering, and accepts no connections yet.',
  fix: 'Wait. Its log shows how far recovery is; killing it would start that over.',
};

const refusedLogin: ReachError = {
  kind: 'auth',
  summary: 'PostgreSQL refuses the login of dbconn.',
  fix: 'Check the role and password in the database url, and pg_hba.conf.',
};

function byState(code: string | undefined, message: string): ReachError | undefined {
  switch (code) {
    case '53300':
      return { ...full(message), sqlstate: code };
    case '28P01':
    case '28000':
      return { ...refusedLogin, sqlstate: code };
    case '3D000':
      return {
        kind: 'auth',
        sqlstate: code,
        summary: 'The database named in the url does not exist.',
        fix: 'Correct the database in the url; dbconn needs no particular one.',
      };
    case '42501':
      return {
        kind: 'privilege',
        sqlstate: code,
        summary: "dbconn's role may not run the look.",
        fix: 'GRANT pg_monitor to it; see deploy/grants.sql.',
      };
    case '57P01':
      return {
        kind: 'network',
        sqlstate: code,
        summary: "PostgreSQL ended dbconn's session on somebody's order.",
        fix: 'Look again. If it comes back, see who runs pg_terminate_backend or restarts the server.',
      };
    case '57P03':
      return { ...byPhase(message), sqlstate: code };
    case '57P02':
      return { ...starting, sqlstate: code };
    case '57014':
      return {
        ...frozen,
        sqlstate: code,
        summary: 'PostgreSQL is so busy that it cancelled the look at its time limit.',
      };
    case '55P03':
      return {
        kind: 'frozen',
        sqlstate: code,
        summary: 'A system catalog is locked, so that sessions cannot be read.',
        fix: 'Find who runs VACUUM FULL, REINDEX or LOCK on pg_authid or pg_database. New logins hang behind it too.',
      };
    default:
      return undefined;
  }
}

function full(message: string): ReachError {
  if (/connections for role/.test(message)) {
    return {
      kind: 'full',
      scope: 'role',
      summary: "dbconn's own role has used up its connection limit.",
      fix: 'ALTER ROLE … CONNECTION LIMIT 3 for it, and see who else uses it.',
    };
  }
  if (/connections for database/.test(message)) {
    return {
      kind: 'full',
      scope: 'database',
      summary: 'The database has used up its connection limit.',
      fix: 'ALTER DATABASE … CONNECTION LIMIT, or point the url at another database of the server.',
    };
  }
  return {
    kind: 'full',
    scope: 'server',
    summary: 'PostgreSQL has no slot left for an ordinary role.',
    fix: 'To be let in next time: reserved_connections and pg_use_reserved_connections (PostgreSQL 16+), a rescueUrl, or execUser.',
  };
}

function byPhase(message: string): ReachError {
  if (!/shutting down/.test(message)) return starting;
  return {
    kind: 'stopped',
    detail: 'shutting-down',
    summary: 'PostgreSQL is shutting down.',
    fix: 'See who stopped it, and whether it comes back.',
  };
}

function byErrno(code: string | undefined): ReachError | undefined {
  switch (code) {
    case 'ECONNREFUSED':
    case 'ENOENT':
      return {
        kind: 'stopped',
        summary: 'Nothing listens where PostgreSQL should be.',
        fix: 'Start it, and read the end of its log; or correct the address of the target.',
      };
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return {
        kind: 'network',
        summary: "The database's host name is not known.",
        fix: 'Correct the host in the url, or the DNS of the machine dbconn runs on.',
      };
    case 'ETIMEDOUT':
      return unanswered;
    default:
      return undefined;
  }
}

/** What arrives as text only: pg's own errors, PgBouncer's, psql's in the container. */
function byMessage(message: string): ReachError | undefined {
  if (/too many clients|remaining connection slots|too many connections for/.test(message)) {
    return full(message);
  }
  if (/no more connections allowed|query_wait_timeout/.test(message)) {
    return {
      kind: 'full',
      scope: 'pooler',
      summary: 'The pooler in front of PostgreSQL is full.',
      fix: 'Point the url at PostgreSQL itself: behind a pooler dbconn sees the pooler only.',
    };
  }
  // `SASL` begins what pg says itself when the server asks for a password and the url has none.
  if (/^SASL|password authentication failed|pg_hba\.conf/.test(message)) {
    return refusedLogin;
  }
  if (/system is (starting up|in recovery|not .*accepting|shutting down)/.test(message)) {
    return byPhase(message);
  }
  if (/SSL|TLS|certificate|self.signed/i.test(message)) {
    return {
      kind: 'network',
      summary: 'TLS to PostgreSQL cannot be agreed on.',
      fix: 'Check sslmode and sslrootcert of the url against what the server offers.',
    };
  }
  return undefined;
}
