import type { Problem } from '../diagnose/snapshot.ts';
import type { RestartOutcome } from '../ports.ts';

/** The runbook's two variables, in the order they are written. */
export const poolVariables = ['DATABASE_POOL_SIZE', 'DATABASE_MAX_OVERFLOW'] as const;

/** The pool numbers of one process. */
export interface PoolNumbers {
  readonly poolSize: number;
  readonly maxOverflow: number;
}

/** The same as a container's environment has them; null where a variable is not set, or is no number. */
export interface PoolEnvironment {
  readonly poolSize: number | null;
  readonly maxOverflow: number | null;
}

/** A change of the project's `.env`, told by paths and hashes: the file holds passwords, and its bytes stay with the adapter. */
export interface EnvEdit {
  /** The file itself, where `.env` is a link to it. */
  readonly path: string;
  /** Where its old bytes are kept until the change is proven, with the same owner and mode. */
  readonly copyPath: string;
  /** SHA-256, lower-case hex; null when there was no file. */
  readonly oldSha256: string | null;
  readonly newSha256: string;
}

export interface PlannedEdit {
  readonly edit: EnvEdit;
  /** What the file says now. */
  readonly says: PoolEnvironment;
}

export type EditAnswer =
  | { readonly ok: true; readonly value: PlannedEdit }
  | { readonly ok: false; readonly problem: Problem };

/** The project's `.env`. */
export interface EnvFile {
  /** What writing these numbers would make of `.env`, or why it cannot be written from here. Changes nothing. */
  planEdit(numbers: PoolNumbers): Promise<EditAnswer>;
  /** Throws ActingUnavailable, and then there is no copy. */
  keepCopy(edit: EnvEdit): Promise<void>;
  /** Whole or not at all. Throws ActingUnavailable when the file is no longer the old one, or cannot be written. */
  writeEdit(edit: EnvEdit, numbers: PoolNumbers): Promise<void>;
  /** Writes the old bytes back if the file is still the new one. `other`: somebody edited it, and it stays theirs. */
  putBack(edit: EnvEdit): Promise<'old' | 'other'>;
  removeCopy(edit: EnvEdit): Promise<void>;
}

/** Where a service's pool numbers are kept, and what gives them to its containers. Needed by option E. */
export interface PoolSettings extends EnvFile {
  /** Why these containers cannot be made anew, one sentence for each that cannot. Changes nothing. */
  readObstacles(ids: readonly string[]): Promise<readonly Obstacle[]>;
  /**
   * Makes a container anew with these numbers and everything else as it was. What does not come up is removed and
   * the old container runs again. Never throws for what the container or the engine does.
   */
  recreateReplica(replica: ReplicaName, wanted: Recreation): Promise<RecreateOutcome>;
  /** After a crash: ends a change that broke off, so that exactly one container of this replica is left. */
  settleReplica(replica: ReplicaName, healthyWithinMs: number): Promise<RecreateOutcome>;
}

export interface Obstacle {
  readonly id: string;
  /** A sentence without its stop, such as `it is removed when it stops`. */
  readonly reason: string;
}

export interface ReplicaName {
  /** Of the container before the change. */
  readonly id: string;
  readonly name: string;
}

export interface Recreation {
  readonly environment: PoolEnvironment;
  readonly healthyWithinMs: number;
}

export interface RecreateOutcome {
  /**
   * `recreated` the new container runs and is well · `put back` the new one was not, the old one runs again ·
   * `untouched` the old one runs and nothing was done · `down` none of them runs · `unknown` it could not be told.
   */
  readonly result: 'recreated' | 'put back' | 'untouched' | 'down' | 'unknown';
  /** The first 12 characters of the id of the container that has the name now. */
  readonly id: string | null;
  /** What that container's environment has. */
  readonly environment: PoolEnvironment | null;
  /** How the new container ended, where it was put back. */
  readonly ended: RestartOutcome['result'] | null;
  readonly exitCode: number | null;
  /** The new container's last log lines, at most 10, redacted. Untrusted text. */
  readonly lastLogLines: readonly string[];
  readonly problem?: Problem;
}
