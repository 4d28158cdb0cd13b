import type {
  DatabaseSnapshot,
  Part,
  PoolEndpointSnapshot,
  Problem,
  ServiceLogs,
  ServicesReading,
} from './snapshot.ts';
import type { ApprovalRequest } from '../approval/request.ts';
import type { Lease } from '../remedies/lease.ts';
import type { ServerIdentity } from '../ports/neighbours.ts';
import type { Action } from '../remedies/action.ts';
import type { StepEntry } from '../remedies/remedy.ts';
import type { SessionIdentity, SessionTarget } from '../remedies/targets/session.ts';

/** Everything the runbook needs from the world. Adapters implement these and know nothing of one another. */

export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Milliseconds since this machine started, the same for all of its processes: nobody sets them. */
  uptime?(): number;
  /** Rejects at once when the signal aborts, and leaves no timer behind then. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** One target's PostgreSQL. */
export interface Database {
  /** Never throws: not reaching the database is this program's subject. Bounded by 4 s. */
  readSnapshot(): Promise<DatabaseSnapshot>;
  /** Which server's database it is; undefined until a look has told. */
  identity?(): ServerIdentity | undefined;
  close(): Promise<void>;
}

/** The containers around one target. */
export interface Services {
  readServices(): Promise<Part<ServicesReading>>;
  readLogs(): Promise<Part<readonly ServiceLogs[]>>;
  /** Where something stands between dbconn and the containers that may refuse it. Changes nothing. */
  readPermissions?(): Promise<ServicePermissions>;
}

/** What may be asked of the containers' engine. */
export interface ServicePermissions {
  readonly read: Permission;
  readonly restart: Permission;
  /** Running psql in the PostgreSQL container. */
  readonly exec: Permission;
}

/** `problem` says why something may not be done, or why that could not be told. */
export type Permission =
  | { readonly state: 'allowed' }
  | { readonly state: 'refused' | 'unknown'; readonly problem: Problem };

/** The applications' connection pools of one target. */
export interface Pools {
  readPools(): Promise<Part<readonly PoolEndpointSnapshot[]>>;
}

/** What dbconn may change in one target's PostgreSQL, over a connection that is opened for it and closed after. */
export interface PrivilegedConnection {
  /** Throws an error whose message is fit for the operator when no connection can be had or is lost. */
  act<T>(work: (session: PrivilegedSession) => Promise<T>): Promise<T>;
}

export interface PrivilegedSession {
  readTerminateCandidates(query: CandidateQuery): Promise<Candidates>;
  /**
   * Signals those sessions that still are exactly what they were, in one statement that checks and signals, and nobody
   * after `signalWithinMs`. Returns one outcome for each. A lost connection throws: the signals sent until then stay sent.
   */
  terminateSessions(
    sessions: readonly SessionIdentity[],
    under: { readonly guard: TerminateGuard; readonly lease: Lease },
  ): Promise<readonly SignalOutcome[]>;
  /** The pids of those sessions that are still there, told by pid and start. */
  readRemainingSessions(sessions: readonly SessionIdentity[]): Promise<readonly number[]>;
}

/**
 * By the server's clock, from when it was asked for the time: a statement that would signal later than this signals
 * nobody. Less than a statement's answer is waited for, so that nothing happens any more once it is given up.
 */
export const signalWithinMs = 4000;

export interface CandidateQuery {
  readonly states: readonly SessionIdentity['state'][];
  readonly idleForMs: number;
  /** All applications when null. */
  readonly application: string | null;
  readonly guard: TerminateGuard;
}

/** What is never ended, whatever the plan says. */
export interface TerminateGuard {
  /** The plan's age threshold, checked again when the signal is sent. */
  readonly idleForMs: number;
  readonly protectedApplications: readonly string[];
  /** application_name of poolers: ending their session breaks whoever they serve at that moment. */
  readonly poolerApplications: readonly string[];
  /** Superuser roles that are the application's own, and so are not spared when the acting role is a superuser. */
  readonly applicationRoles: readonly string[];
  /** Roles dbconn logs in with, beside the one that signals. */
  readonly ownRoles?: readonly string[];
}

export type SkipReason =
  | 'own'
  | 'hidden'
  | 'not a client'
  | 'replication'
  | 'superuser'
  | 'protected application'
  | 'pooler'
  | 'committing'
  | 'no privilege';

export interface Candidates {
  /** The longest idle first, at most 1,000. */
  readonly sessions: readonly Candidate[];
  readonly total: number;
  /** Sessions whose state the acting role may not see. */
  readonly hidden: number;
  /** Client connections of the last minute that are still there: how fast slots fill again. */
  readonly newIn60s: number;
  readonly role: string;
}

export interface Candidate extends Omit<SessionTarget, 'kind'> {
  readonly spared: SkipReason | null;
}

/** `signalled` is no proof of an end: a look after it is. */
export interface SignalOutcome {
  readonly pid: number;
  readonly outcome: 'signalled' | 'already gone' | 'moved on' | 'too late' | SkipReason;
}

/** Restarts one container of a service. */
export interface Restarts {
  /** Waits until it is healthy, or says why it is not. Never throws for what the container or the engine does. */
  restartReplica(id: string, options: RestartOptions): Promise<RestartOutcome>;
}

interface RestartOptions {
  /** Between asking the process to end and killing it. */
  readonly stopTimeoutSeconds: number;
  readonly healthyWithinMs: number;
}

/** A changed start is the proof of a restart. */
export interface RestartOutcome {
  readonly result:
    | 'healthy'
    /** It has no health check, and stayed up. */
    | 'running'
    | 'unhealthy'
    /** Not healthy yet when the time was up. */
    | 'starting'
    | 'crash-loop'
    | 'exited'
    /** The old process still runs. */
    | 'not-restarted'
    | 'unknown';
  readonly startedAfter: string | null;
  readonly exitCode: number | null;
  readonly oomKilled: boolean;
  /** The old process did not end within the stop time-out, and was killed; absent where that cannot be told. */
  readonly killed?: boolean;
  /** What the last health check printed when it is not healthy; redacted, untrusted text. */
  readonly healthOutput: string | null;
  /** The last log lines since the restart, at most 10, redacted. Untrusted text. */
  readonly lastLogLines: readonly string[];
  readonly problem?: Problem;
}

/**
 * The record of every request, vote, step and result, kept outside the patient. Nothing runs unrecorded:
 * every method throws when it cannot write (a full disk, a locked or damaged file).
 */
export interface Journal {
  create(request: ApprovalRequest, entry: JournalDraft): Promise<void>;
  /** Throws JournalTampered where it is not what its entries say: its votes, the votes it needs, its plan, its state. */
  read(id: string): Promise<ApprovalRequest | undefined>;
  /** In the order they were proposed. */
  list(states: readonly ApprovalRequest['state'][]): Promise<readonly ApprovalRequest[]>;
  /**
   * Replaces the request stored with version `from` by `to`, together with its entry, or does nothing:
   * `changed` when somebody was quicker, `busy` when another request is executing on the same target. Throws
   * JournalTampered where the stored one is not what its entries say: no entry ever vouches for that.
   */
  move(
    from: number,
    to: ApprovalRequest,
    entry: JournalDraft,
  ): Promise<'moved' | 'changed' | 'busy'>;
  record(entry: JournalDraft): Promise<void>;
  /** Takes the lease on an approved or running request that nobody holds any more, oneself included. False while somebody does. */
  acquire(request: string, holder: Holder): Promise<boolean>;
  /** Prolongs all leases of this holder that nobody else took meanwhile. */
  renew(holder: Holder): Promise<void>;
  /** Gives a lease back, so that another process may take it at once. */
  release(request: string, holder: Holder): Promise<void>;
  /** The requests for this option on this target whose run ended at or after that moment (UTC ISO text). */
  readRunsSince(run: {
    readonly target: string;
    readonly option: Action;
    readonly since: string;
  }): Promise<readonly ApprovalRequest[]>;
  /** The steps of a request's run, in the order they were written. */
  readSteps(request: string): Promise<readonly StepEntry[]>;
  /**
   * Milliseconds since the request's first entry of one of these kinds, by the journal's own clock and never less than 0;
   * undefined where it has none.
   */
  readAgeMs(request: string, kinds: readonly string[]): Promise<number | undefined>;
  /** The emergency stop, the same for every process that shares this journal. */
  readStop(): Promise<Stop | undefined>;
  writeStop(stop: Stop | undefined, entry: JournalDraft): Promise<void>;
  /** What is stored and was not written through the journal's entries; of requests, the newest and the open ones. */
  findUntrue(): Promise<readonly Untrue[]>;
}

/** Something in the record that dbconn did not write. */
export interface Untrue {
  /** Null where it concerns every target. */
  readonly target: string | null;
  /** A sentence of ids and our own words. */
  readonly problem: string;
}

export interface Stop {
  readonly by: string;
  readonly at: string;
  readonly reason: string;
  /** How it is lifted, where an approver's word is not enough: a sentence. */
  readonly lift?: string;
}

/** What the journal adds: its number, the time, and the hash that chains it to the entry before. */
export interface JournalDraft {
  /** Absent for what belongs to no request, such as an emergency stop. */
  readonly request?: string;
  /** The incident it belongs to, which no entry of a request names: those belong to their target's by time. */
  readonly incident?: string;
  readonly kind: string;
  /** Redacted: no secret, no literal of other people's SQL. */
  readonly body: Readonly<Record<string, unknown>>;
  /**
   * Written only while the lease on the request is this holder's, which it prolongs; else LeaseLost is thrown. A move to
   * `approved` takes the lease; a move to an end gives it back.
   */
  readonly holder?: Holder;
}

/** One process among those that share a journal. Whoever holds the lease on a request executes it, nobody else. */
export interface Holder {
  /** Random, another one for each process. */
  readonly id: string;
  /** How long a lease stands from its last renewal: by the machine's uptime in a file, else by the server's clock. */
  readonly forMs: number;
}

/** Where the message about a request stands, so that another process can go on writing it. */
export interface Places {
  readPlace(request: string): Promise<Place | undefined>;
  /**
   * Records a place where none was, or instead of one that is gone. Returns the place that holds: where two processes
   * record one at the same time, the first of the two.
   */
  writePlace(request: string, place: Place, insteadOf: Place | undefined): Promise<Place>;
}

export interface Place {
  readonly channel: string;
  /** The message's time stamp, which is its id in that channel. */
  readonly ts: string;
}

/** Where people hear of something: Slack's channels and direct messages. */
export interface Announcements {
  announce(announcement: Announcement): Promise<void>;
}

export interface Announcement {
  /** `C…` a channel, `U…` or `W…` a person's direct messages. */
  readonly to: string;
  /** A person or group to mention in it. */
  readonly mention: string | null;
  /** Figures, Slack ids and configured names only. */
  readonly headline: string;
  /** What somebody wrote. Untrusted text. */
  readonly quote: string | null;
  /** Into this message's thread, and not only there. */
  readonly thread?: string;
  /** Travels in the message, unseen, so that it can be told whether it stands there already. */
  readonly key?: string;
  /** It may have been sent before a crash: look for its key first, where Slack lets dbconn read. */
  readonly mayStand?: boolean;
}
