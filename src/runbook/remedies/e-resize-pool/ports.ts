import type { Problem } from '../../snapshot/snapshot.ts';
import type { RestartOutcome } from '../c-restart-service/ports.ts';
import type { Plan, PoolTarget } from '../plan.ts';
import { replicasOf } from '../replicas/service-replicas.ts';
import type { ReplicaPorts } from '../replicas/service-replicas.ts';

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

/** A change of one file of variables, told by paths and hashes: it holds passwords, and its bytes stay with the adapter. */
export interface EnvEdit {
  /** The file itself, where the one Compose reads is a link to it. */
  readonly path: string;
  /** Where its old bytes are kept until the change is proven, with the same owner and mode. */
  readonly copyPath: string;
  /** SHA-256, lower-case hex; null when there was no file. */
  readonly oldSha256: string | null;
  readonly newSha256: string;
}

/** Other pool numbers for the containers of one service. */
export interface Resize {
  readonly service: string;
  /** The ids of its containers, or their first 12 characters. */
  readonly ids: readonly string[];
  readonly to: PoolNumbers;
}

export interface PlannedEdit {
  readonly edit: EnvEdit;
  /** What is written: the numbers by the names they have in the file. */
  readonly set: Readonly<Record<string, number>>;
  /** The file's path within the project, such as `.env`. */
  readonly file: string;
  /** The other services that get what is written there, too, at their next `docker compose up`. */
  readonly sharedWith: readonly string[];
  /** No Compose file was there to say that the containers take their numbers from this file. */
  readonly assumed: boolean;
}

/** `byHand` is a sentence that says what a person edits instead, where that is known. */
export type EditAnswer =
  | { readonly ok: true; readonly value: PlannedEdit }
  | { readonly ok: false; readonly problem: Problem; readonly byHand?: string };

/** The files a project's containers get their variables from. */
export interface EnvFile {
  /**
   * What writing these numbers would make of the file that the service's containers have theirs from, or why that
   * cannot be. Changes nothing.
   */
  planEdit(resize: Resize): Promise<EditAnswer>;
  /** Throws PrivilegedUnavailable, and then there is no copy. */
  keepCopy(edit: EnvEdit): Promise<void>;
  /** Whole or not at all. Throws PrivilegedUnavailable when the file is no longer the old one, or cannot be written. */
  writeEdit(edit: EnvEdit, set: PlannedEdit['set']): Promise<void>;
  /** Writes the old bytes back if the file is still the new one. `other`: somebody edited it, and it stays theirs. */
  putBack(edit: EnvEdit): Promise<'old' | 'other'>;
  removeCopy(edit: EnvEdit): Promise<void>;
}

/** Where a service's pool numbers are kept, and what gives them to its containers. Needed by option E. */
export interface PoolSettings extends EnvFile {
  /** Why these containers cannot be recreated, one sentence for each that cannot. Changes nothing. */
  readObstacles(ids: readonly string[]): Promise<readonly Obstacle[]>;
  /**
   * Recreates a container with these numbers and everything else as it was. What does not come up is removed and
   * the old container runs again. Never throws for what the container or the engine does.
   */
  recreateReplica(replica: ReplicaName, recreation: Recreation): Promise<RecreateOutcome>;
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
  /** Docker was asked for a change, has not answered, and may still make it. */
  readonly mayFollow?: true;
}

/** The numbers of a plan of option E. */
export function poolOf({ targets }: Pick<Plan, 'targets'>): PoolTarget {
  const pool = targets.find((target) => target.kind === 'pool');
  if (pool === undefined) throw new Error('A plan of option E names the pool it resizes.');
  return pool;
}

/** The same as it is asked of the files. */
export function resizeOf(plan: Pick<Plan, 'targets'>): Resize {
  const { service, to } = poolOf(plan);
  return { service, ids: replicasOf(plan.targets).map(({ id }) => id), to };
}

export interface OptionEPorts extends ReplicaPorts {
  readonly poolSettings: PoolSettings;
  /** How long the pool metrics may take to show the new numbers. */
  readonly shownWithinMs: number;
}
