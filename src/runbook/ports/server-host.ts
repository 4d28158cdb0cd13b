/**
 * What PostgreSQL runs in, where dbconn may restart it: a container, or the sandbox's own process.
 * Every method but `readLog` throws PrivilegedUnavailable when it cannot be done or told.
 */
export interface ServerHost {
  readState(): Promise<HostState>;
  /** The end of the log of the present run, or of the last one: at most 100 lines, redacted, untrusted. Never throws. */
  readLog(): Promise<readonly string[]>;
  /**
   * A fast shutdown, waited for; what restarts it by itself is told not to. Where it is down already, that alone.
   * It has at least 300 s: a kill before it has written everything would make the next start a crash recovery.
   */
  stop(): Promise<void>;
  /** Starts it and does not wait until it accepts connections. Where it runs already, nothing. */
  start(): Promise<void>;
  /** Beside the original, with its owner and mode. */
  keepCopy(files: KeptFile): Promise<KeptCopy>;
  /** The copy becomes the original again. PostgreSQL must be stopped. Throws when the copy is not what was kept. */
  putBack(files: KeptFile, kept: KeptCopy): Promise<void>;
  /** `emptied` where nothing can be removed from outside: an empty file stays. A copy that is not there is removed. */
  removeCopy(files: KeptFile): Promise<'removed' | 'emptied'>;
}

export interface KeptFile {
  readonly path: string;
  readonly copyPath: string;
}

export interface KeptCopy {
  /** Lower-case hex. */
  readonly sha256: string;
}

export interface HostState {
  /** The container's name. */
  readonly name: string;
  readonly running: boolean;
  /** How often it was started again by itself since somebody asked for a start. */
  readonly restarts: number;
  /** Another value means another process. */
  readonly startedAt: string | null;
  readonly exitCode: number | null;
  readonly oomKilled: boolean;
  /** What it may use: its own limit, or else the machine's memory. Null when neither is known. */
  readonly memoryBytes: number | null;
}
