import type { Problem } from '../../snapshot/snapshot.ts';
import type { ReplicaPorts } from '../replicas/service-replicas.ts';

export interface OptionCPorts extends ReplicaPorts {
  readonly restarts: Restarts;
  /** Between asking a process to end and killing it. */
  readonly stopTimeoutSeconds: number;
}

/** Restarts one container of a service. */
export interface Restarts {
  /** Waits until it is healthy, or says why it is not. Never throws for what the container or the engine does. */
  restartReplica(id: string, options: RestartOptions): Promise<RestartOutcome>;
}

export interface RestartOptions {
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
