import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import type { Activity } from './backend/activities.ts';

const program = fileURLToPath(new URL('backend.ts', import.meta.url));
/** Ten of them start at once, and each would compile the same. */
const compileCache = fileURLToPath(new URL('../../node_modules/.cache/dbconn', import.meta.url));
/** Enough for a look's 200 lines with the tracebacks before them. */
const linesMax = 1000;
const lineMaxCharacters = 2000;
const startTimeoutMs = 60_000;
const Listening = z.object({ port: z.number() });

export interface PoolSize {
  readonly poolSize: number;
  readonly maxOverflow: number;
  readonly poolTimeoutSeconds: number;
  /** With a larger pool it does not start. */
  readonly largestPool?: number;
}

interface BackendOptions extends PoolSize {
  readonly service: string;
  readonly number: number;
  readonly databaseUrl: string;
  readonly localAddress: string;
  readonly isHidden?: boolean;
  readonly imageId?: string;
}

interface LogLine {
  /** When it was read here, UTC ISO text. */
  readonly at: string;
  readonly text: string;
}

/** One replica: a real process with a real pool, its address and its latest log lines. */
export class BackendProcess {
  readonly id = randomBytes(6).toString('hex');
  readonly options: BackendOptions;
  readonly #lines: LogLine[] = [];
  #child: ChildProcess | undefined;
  #port = 0;
  #startedAt: string | null = null;
  /** What its users want of it. */
  #load: Activity | undefined;

  constructor(options: BackendOptions) {
    this.options = options;
  }

  get name(): string {
    return `${this.options.service}-${this.options.number}`;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  get startedAt(): string | null {
    return this.#startedAt;
  }

  get exitCode(): number | null {
    return this.#child?.exitCode ?? null;
  }

  get running(): boolean {
    const child = this.#child;
    return child !== undefined && child.exitCode === null && child.signalCode === null;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** The latest lines, oldest first. */
  lines(count: number): readonly LogLine[] {
    return this.#lines.slice(-count);
  }

  hasLogged(pattern: RegExp): boolean {
    return this.#lines.some(({ text }) => pattern.test(text));
  }

  /** Resolves when it listens and its users are back; throws with its log when it does not come up. */
  async start(): Promise<void> {
    const { databaseUrl, largestPool, localAddress, service } = this.options;
    const child = fork(program, {
      env: {
        DATABASE_URL: databaseUrl,
        DATABASE_POOL_SIZE: String(this.options.poolSize),
        DATABASE_MAX_OVERFLOW: String(this.options.maxOverflow),
        DATABASE_POOL_TIMEOUT: String(this.options.poolTimeoutSeconds),
        ...(largestPool !== undefined && { LARGEST_POOL: String(largestPool) }),
        APPLICATION_NAME: service,
        LOCAL_ADDRESS: localAddress,
        PORT: String(this.#port), // a restart keeps the address its metrics are read from
        NODE_NO_WARNINGS: '1',
        NODE_COMPILE_CACHE: compileCache,
      },
      execArgv: [],
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    this.#child = child;
    if (child.stderr !== null) {
      createInterface({ input: child.stderr }).on('line', (text) => this.#keep(text));
    }
    this.#port = await this.#untilListening(child);
    this.#startedAt = new Date().toISOString();
    if (this.#load !== undefined) await this.post(this.#load);
  }

  /** Users do not leave because a process was put in the place of another one. */
  takeUsersOf(other: BackendProcess): void {
    this.#load = other.#load;
  }

  /** SIGTERM, then SIGKILL: the service does no work that would be lost. */
  async stop(): Promise<void> {
    const child = this.#child;
    if (child === undefined || !this.running) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    child.once('exit', () => resolve());
    child.kill('SIGTERM');
    const force = setTimeout(() => child.kill('SIGKILL'), 5000);
    await promise;
    clearTimeout(force);
  }

  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  /** For the end of this process, where nothing can be waited for. */
  killNow(): void {
    if (this.running) this.#child?.kill('SIGKILL');
  }

  async post(activity: Activity): Promise<void> {
    const query = Object.entries(activity).map(([key, value]) => [key, String(value)]);
    const url = `${this.url}/activity?${new URLSearchParams(query).toString()}`;
    const response = await fetch(url, { method: 'POST', headers: { connection: 'close' } });
    const text = await response.text();
    if (response.status !== 202) throw new Error(`${this.name} refuses ${activity.kind}: ${text}`);
    if (activity.kind === 'load') this.#load = activity;
  }

  #keep(text: string): void {
    this.#lines.push({ at: new Date().toISOString(), text: text.slice(0, lineMaxCharacters) });
    if (this.#lines.length > linesMax) this.#lines.shift();
  }

  async #untilListening(child: ChildProcess): Promise<number> {
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    const fail = (why: string): void => {
      const log = this.lines(20).map(({ text }) => text);
      reject(new Error([`${this.name} ${why}:`, ...log].join('\n')));
    };
    const late = setTimeout(() => fail('does not listen'), startTimeoutMs);
    const onExit = (): void => fail('did not start');
    child.once('exit', onExit).once('message', (message) => {
      const listening = Listening.safeParse(message);
      if (listening.success) resolve(listening.data.port);
      else fail('said something else than its port');
    });
    try {
      return await promise;
    } catch (error) {
      child.kill('SIGKILL');
      throw error;
    } finally {
      clearTimeout(late);
      child.off('exit', onExit);
    }
  }
}
