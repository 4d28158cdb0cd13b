import { DatabaseError } from 'pg';
import type { ReachError } from '../runbook/snapshot/snapshot.ts';
import { inPhase, PhaseKnown, toFull, toStopped } from './connect/login-refusal.ts';

/** Our own clock ran out before PostgreSQL said what it was asked for. */
export class PostgresTimeout extends Error {
  /** Whether somebody had taken the connection: a frozen server's kernel still does. */
  readonly wasReached: boolean;
  readonly afterMs: number;

  constructor(what: string, ms: number, wasReached = true) {
    super(`${what} took longer than ${Math.round(ms)} ms.`);
    this.name = 'PostgresTimeout';
    this.wasReached = wasReached;
    this.afterMs = ms;
  }
}

/** The server said something in a login that did not end in time: a frozen one says nothing. */
export class SlowLogin extends PostgresTimeout {
  constructor(ms: number) {
    super('The login', ms);
    this.name = 'SlowLogin';
  }
}

/** The database url asks for what cannot be done. The message is for the operator and holds no part of the url. */
export class UnusableUrl extends Error {
  override readonly name = 'UnusableUrl';
}

/**
 * The one place where SQLSTATEs, errnos and messages become words of the runbook.
 * SQLSTATE 53300 covers several limits, told apart by the function of the server that refused (the protocol's
 * field `R`), for the message may be in any language (lc_messages). Text decides only where nothing else came.
 * The sentences name no host, user or database: those of the error may be secrets, and are never repeated.
 */
export function toReachError(error: unknown): ReachError {
  if (error instanceof PhaseKnown) return inPhase(error.phase, '57P03');
  if (error instanceof SlowLogin) return slowLogin(error.afterMs);
  if (error instanceof PostgresTimeout) return error.wasReached ? frozen : unanswered;
  if (error instanceof UnusableUrl) {
    return { kind: 'network', summary: error.message, fix: 'Correct the database url.' };
  }
  const { code, message } = partsOf(error);
  const byCode = byState(code, error) ?? byErrno(code);
  if (byCode !== undefined) return byCode;
  // Who answers with a SQLSTATE was reached, whatever it says.
  if (error instanceof DatabaseError) return byPooler(message) ?? answeredWith(error.code);
  return (
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

const busy =
  'Check what keeps its CPU busy: many logins at once, or deadlock checks of many waiting sessions.';

/** The server said something, so it is no frozen one; the login did not end in time. */
function slowLogin(ms: number): ReachError {
  return {
    kind: 'slow',
    detail: 'login',
    summary: `PostgreSQL accepts connections, but a login took longer than ${inSeconds(ms)}.`,
    fix: `${busy} A locked system catalog (VACUUM FULL or LOCK on pg_authid or pg_database) holds up logins, too.`,
  };
}

/** It let us in a moment ago, so it is no frozen one. */
export function slowAnswer(loginMs: number, ms: number): ReachError {
  return {
    kind: 'slow',
    detail: 'statement',
    summary: `PostgreSQL accepted the login after ${inSeconds(loginMs)}, but its statement took longer than ${inSeconds(ms)}.`,
    fix: busy,
  };
}

/** An answer that is none of those the ladder knows. The code is the server's own and holds no secret. */
function answeredWith(code = 'unknown'): ReachError {
  const sqlstate = /^[0-9A-Z]{5}$/.test(code) ? code : 'unknown';
  return {
    kind: 'server-error',
    sqlstate,
    summary: `The server answered with SQLSTATE ${sqlstate}.`,
    fix: byClass[sqlstate.slice(0, 2)] ?? "Check the server's log around this time.",
  };
}

/** By the first two characters of a SQLSTATE (PostgreSQL documentation, appendix A). */
const byClass: Readonly<Record<string, string>> = {
  '08': 'A pooler or proxy in front of PostgreSQL may have answered. Check its log, or point the url at PostgreSQL.',
  '53': 'PostgreSQL ran out of memory, disk or another resource: check its machine, and read its log.',
  '58': "The operating system failed PostgreSQL: check its machine's disk, and read its log.",
  XX: 'An internal error of PostgreSQL: read its log, and call a DBA at once.',
};

function inSeconds(ms: number): string {
  return `${Math.round(ms / 100) / 10} s`;
}

const frozen: ReachError = {
  kind: 'frozen',
  summary: 'PostgreSQL accepted the connection or the query, but does not answer.',
  fix: 'Check whether its processes are stopped, or its disk or memory is exhausted: docker top, dmesg.',
};

const unanswered: ReachError = {
  kind: 'network',
  summary: 'The address of PostgreSQL does not answer.',
  fix: 'Check whether its machine is up and the firewall allows dbconn. A frozen server can cause this too.',
};

const refusedLogin: ReachError = {
  kind: 'auth',
  summary: "PostgreSQL refuses dbconn's login.",
  fix: 'Check the role and password in the database url, and pg_hba.conf.',
};

function byState(code: string | undefined, error: unknown): ReachError | undefined {
  switch (code) {
    case '53300':
      return { ...toFull(error), sqlstate: code };
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
        summary: "dbconn's role may not run the check.",
        fix: 'GRANT pg_monitor to it; see deploy/grants.sql.',
      };
    case '57P01':
      return {
        kind: 'server-error',
        sqlstate: code,
        summary: "Somebody ended dbconn's session in PostgreSQL.",
        fix: 'Check again. If it happens again, find out who runs pg_terminate_backend or restarts the server.',
      };
    case '57P03':
      return { ...toStopped(error), sqlstate: code };
    case '57P02':
      return inPhase('starting', code);
    case '57014':
      return {
        kind: 'slow',
        detail: 'statement',
        sqlstate: code,
        summary: 'PostgreSQL is so busy that it cancelled the check at its time limit.',
        fix: busy,
      };
    case '55P03':
      return {
        kind: 'slow',
        detail: 'catalog',
        sqlstate: code,
        summary: 'A system catalog is locked, so sessions cannot be read.',
        fix: 'Find who runs VACUUM FULL, REINDEX or LOCK on pg_authid or pg_database. New logins hang behind it too.',
      };
    default:
      return undefined;
  }
}

function byErrno(code: string | undefined): ReachError | undefined {
  switch (code) {
    case 'ECONNREFUSED':
    case 'ENOENT':
      return {
        kind: 'stopped',
        summary: 'Nothing listens where PostgreSQL should be.',
        fix: 'Start it, and check the end of its log; or correct the address of the target.',
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

function byPooler(message: string): ReachError | undefined {
  if (!/no more connections allowed|query_wait_timeout/.test(message)) return undefined;
  return {
    kind: 'full',
    scope: 'pooler',
    summary: 'The pooler in front of PostgreSQL is full.',
    fix: 'Point the url at PostgreSQL itself: behind a pooler dbconn sees the pooler only.',
  };
}

/** What arrives as text only: pg's own errors, and psql's in the container. */
function byMessage(message: string): ReachError | undefined {
  if (/too many clients|remaining connection slots|too many connections for/.test(message)) {
    return toFull(new Error(message));
  }
  // `SASL` begins what pg says itself when the server asks for a password and the url has none.
  if (/^SASL|password authentication failed|pg_hba\.conf/.test(message)) {
    return refusedLogin;
  }
  if (/system is (starting up|in recovery|not .*accepting|shutting down)/.test(message)) {
    return toStopped(new Error(message));
  }
  if (/SSL|TLS|certificate|self.signed/i.test(message)) {
    return {
      kind: 'network',
      summary: 'TLS to PostgreSQL cannot be agreed on.',
      fix: 'Check sslmode and sslrootcert of the url against what the server offers.',
    };
  }
  return byPooler(message);
}
