import { poll, uptimeOf } from '../../../timing.ts';
import { count, durationOfMs } from '../../snapshot/words.ts';
import { PrivilegedUnavailable } from '../remedy.ts';
import type { RunControl } from '../remedy.ts';
import type { HostState, OptionBPorts, ServerHost } from './ports.ts';

const applicationsPollMs = 1000;
/** A pool that nobody asks for a connection may have none until its next request: so long some open theirs by themselves. */
const idleReturnWithinMs = 5000;

interface ServiceSessions {
  readonly sessions: number;
  /** One of them runs a statement. */
  readonly isWorking: boolean;
}

/** Sessions of each configured service, by its name. Null when they could not be read. */
export type ApplicationSessions = ReadonlyMap<string, ServiceSessions> | null;

export async function readApplications({
  takeSnapshot,
  target,
}: Pick<OptionBPorts, 'takeSnapshot' | 'target'>): Promise<ApplicationSessions> {
  const { reading } = (await takeSnapshot()).database;
  if (reading === undefined) return null;
  const { sources } = reading;
  return new Map(
    target.services.map(({ name, application = name }) => {
      const own = sources.filter((source) => source.application === application);
      const sessions = own.reduce((sum, { total }) => sum + total, 0);
      return [name, { sessions, isWorking: own.some(({ active }) => active > 0) }];
    }),
  );
}

/**
 * Waits until every service that was at work before has sessions again, and says how it stands. Pools open connections
 * when somebody needs one: one that was idle is waited for only as long as a pool takes that opens them by itself.
 */
export async function awaitApplications(
  ports: Pick<OptionBPorts, 'takeSnapshot' | 'target' | 'clock' | 'returnWithinMs'>,
  before: ApplicationSessions,
): Promise<string> {
  const { clock, returnWithinMs } = ports;
  const idleUntil = uptimeOf(clock) + Math.min(idleReturnWithinMs, returnWithinMs);
  const polling = { everyMs: applicationsPollMs, withinMs: returnWithinMs, clock };
  return poll(polling, async (isOver) => {
    const now = await readApplications(ports);
    const missing = missingOf(before, now);
    const [working, idle] = [missing?.filter(isWorking), missing?.filter((one) => !isWorking(one))];
    if (working?.length === 0 && (idle?.length === 0 || uptimeOf(clock) >= idleUntil)) {
      return `${toSentence(before, now)}${sayIdle(idle)}`;
    }
    if (!isOver()) return undefined;
    const seconds = Math.round(returnWithinMs / 1000);
    const late =
      working === undefined
        ? 'Sessions could not be read'
        : `Not reconnected within ${seconds} s: ${working.join(', ')}`;
    return `${toSentence(before, now)} ${late}.${sayIdle(idle)}`;
  });

  function isWorking(name: string): boolean {
    return before?.get(name)?.isWorking ?? false;
  }
}

/** Services that had sessions before and have none now; undefined when nobody knows. */
function missingOf(before: ApplicationSessions, now: ApplicationSessions): string[] | undefined {
  if (now === null) return undefined;
  return [...(before ?? [])]
    .filter(([name, { sessions }]) => sessions > 0 && (now.get(name)?.sessions ?? 0) === 0)
    .map(([name]) => name);
}

function sayIdle(names: readonly string[] = []): string {
  return names.length === 0
    ? ''
    : ` Idle before, and reconnecting with the next request: ${names.join(', ')}.`;
}

function toSentence(before: ApplicationSessions, now: ApplicationSessions): string {
  const parts = [...(now ?? [])].map(([name, { sessions }]) => {
    const earlier = before?.get(name)?.sessions;
    return `${name} ${count(sessions, 'session')}${earlier === undefined ? '' : ` (${earlier} before)`}`;
  });
  return parts.length === 0 ? 'No services are configured.' : `${parts.join(', ')}.`;
}

/**
 * Why a postmaster ended at its start: what its configuration, or the memory it asks for, has against it. These are
 * the ends that an old configuration mends; a damaged file system or a crash in recovery it does not.
 * The messages are PostgreSQL's own, 13 to 18 (postmaster.c, postinit.c, guc.c, sysv_shmem.c, posix_sema.c).
 */
const patterns: readonly (readonly [RegExp, string])[] = [
  [/must be less than "?max_connections/, 'more connections are reserved than that'],
  [/too many (?:backends|server processes) configured/, 'that is more processes than it can have'],
  [
    /could not (?:map anonymous|create|resize|allocate) shared memory/,
    'there is not enough shared memory',
  ],
  [/could not create semaphores|insufficient shared memory/, 'there are not enough semaphores'],
  [/Cannot allocate memory|out of memory|not enough shared memory/, 'there is not enough memory'],
  [/insufficient file descriptors/, 'there are not enough file descriptors'],
  [
    /configuration file ".*" contains errors|syntax error in file|unrecognized configuration parameter/,
    'its configuration has errors',
  ],
  [/invalid value for parameter|is outside the valid range for parameter/, 'a setting is invalid'],
];

/** The reason in words, or null when the log names none of these. */
export function readBootFailure(lines: readonly string[]): string | null {
  const found = patterns.find(([pattern]) => lines.some((line) => pattern.test(line)));
  return found?.[1] ?? null;
}

const pollMs = 500;
const tellEveryMs = 5000;
/** What Docker starts again by itself ends for good only after some tries; a log may come late. */
const downForMs = 3000;
const mostRestarts = 3;

/** How a start ended. */
export type BootEnd =
  | { readonly kind: 'up'; readonly maxConnections: number | null }
  | {
      readonly kind: 'exited';
      /** What its configuration or its memory had against it; null when it ended for another reason. */
      readonly failure: string | null;
      readonly exitCode: number | null;
      /** The last of its log. Untrusted text. */
      readonly lines: readonly string[];
    }
  /** The process lives, and nothing answers where the acting role logs in. */
  | { readonly kind: 'silent' };

/**
 * Waits until PostgreSQL accepts connections or has ended. As long as its process lives and says that it is
 * starting or recovering there is no limit: killing a recovery only makes it start over.
 */
export async function awaitBoot(
  ports: OptionBPorts,
  serverHost: ServerHost,
  control: RunControl,
): Promise<BootEnd> {
  const { clock, serverSettings, silentForMs } = ports;
  const began = clock.now();
  let reportedAt = began;
  let toldAt = began;
  let upAt = began;
  return poll({ everyMs: pollMs, clock }, async () => {
    const acceptance = await serverSettings.readAcceptance();
    if (acceptance.state === 'accepting') {
      return { kind: 'up', maxConnections: acceptance.maxConnections };
    }
    const now = clock.now();
    if (acceptance.state !== 'silent') reportedAt = now;
    const state = await readState(serverHost);
    if (state?.running !== false) upAt = now;
    const exited = state === undefined ? undefined : await readExit(serverHost, state, now - upAt);
    if (exited !== undefined) return exited;
    if (now - reportedAt >= silentForMs) return { kind: 'silent' };
    if (now - toldAt >= tellEveryMs) {
      toldAt = now;
      const what =
        acceptance.state === 'silent' ? 'does not answer yet' : 'is starting or recovering';
      control.progress(`PostgreSQL ${what} (${durationOfMs(now - began)})`);
    }
    return undefined;
  });
}

/** An engine that does not answer for a moment says nothing of the server in it. */
async function readState(serverHost: ServerHost): Promise<HostState | undefined> {
  try {
    return await serverHost.readState();
  } catch (error) {
    if (error instanceof PrivilegedUnavailable) return undefined;
    throw error;
  }
}

async function readExit(
  serverHost: ServerHost,
  state: HostState,
  downMs: number,
): Promise<BootEnd | undefined> {
  const { running, restarts, oomKilled, exitCode } = state;
  if (running && restarts === 0) return undefined;
  const lines = await serverHost.readLog();
  const failure = oomKilled ? 'it ran out of memory and was killed' : readBootFailure(lines);
  const isOver = failure !== null || downMs >= downForMs || restarts >= mostRestarts;
  return isOver ? { kind: 'exited', failure, exitCode, lines: lines.slice(-11) } : undefined;
}
