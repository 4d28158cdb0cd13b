import type { Logger } from 'pino';
import { uptimeOf, within } from '../timing.ts';
import type { Clock } from '../timing.ts';

/** One thing that has to hold for dbconn to be well. */
export interface HealthCheck {
  /** For the sentence about a check that failed itself. Ours, never configured. */
  readonly name: string;
  /**
   * What follows while it does not hold. `alive`: a restart may mend it, /healthz says 503. `ready`: nothing can be
   * done here for now, /readyz says 503; a restart would not help, so /healthz stays 200. `told`: both only name it.
   */
  readonly weight: 'alive' | 'ready' | 'told';
  /** Null while it holds, else a sentence of counts and our own words: anyone who reaches the port may read it. */
  read(): string | null | Promise<string | null>;
}

export interface HealthReport {
  readonly state: 'ok' | 'degraded' | 'failing';
  readonly problems: readonly string[];
}

export interface Health {
  /** Whether this process works; a supervisor restarts it where it does not. */
  live(): Promise<HealthReport>;
  /** Whether it can do its work now: Slack hears it, and the journal can be written. */
  ready(): Promise<HealthReport>;
}

/** A check that takes longer is a problem itself. */
const checkWithinMs = 2000;
/** A caller who asks more often gets the same answer: checks may cost a write to the journal. */
const rememberedMs = 1000;

interface Finding {
  readonly weight: HealthCheck['weight'];
  readonly problem: string;
}

export function createHealth(checks: readonly HealthCheck[], clock: Clock): Health {
  let latest: { readonly at: number; readonly findings: Promise<readonly Finding[]> } | undefined;
  const read = (): Promise<readonly Finding[]> => {
    if (latest === undefined || Math.abs(clock.now() - latest.at) >= rememberedMs) {
      latest = { at: clock.now(), findings: readAll(checks, clock) };
    }
    return latest.findings;
  };
  return {
    live: async () => toReport(await read(), ['alive']),
    ready: async () => toReport(await read(), ['alive', 'ready']),
  };
}

async function readAll(checks: readonly HealthCheck[], clock: Clock): Promise<readonly Finding[]> {
  const findings = await Promise.all(
    checks.map(async (check) => {
      const problem = await readInTime(check, clock);
      return problem === null ? [] : [{ weight: check.weight, problem }];
    }),
  );
  return findings.flat();
}

async function readInTime(check: HealthCheck, clock: Clock): Promise<string | null> {
  const reading = (async () => check.read())().catch(() => `The check of ${check.name} failed.`);
  const problem = await within(reading, checkWithinMs, clock);
  return problem === undefined
    ? `The check of ${check.name} takes longer than ${checkWithinMs / 1000} s.`
    : problem;
}

function toReport(
  findings: readonly Finding[],
  fatal: readonly HealthCheck['weight'][],
): HealthReport {
  const problems = findings.map(({ problem }) => problem);
  if (findings.some(({ weight }) => fatal.includes(weight))) return { state: 'failing', problems };
  return { state: problems.length === 0 ? 'ok' : 'degraded', problems };
}

/** A loop that says that it still goes round. */
interface Pulse {
  readonly check: HealthCheck;
  beat(): void;
}

interface PulseOptions {
  readonly name: string;
  readonly withinMs: number;
  /** `alive` unless given: a loop that did not go round is stuck, and nothing but a new process mends that. */
  readonly weight?: HealthCheck['weight'];
}

export function createPulse(
  { name, withinMs, weight = 'alive' }: PulseOptions,
  clock: Pick<Clock, 'now' | 'uptime'>,
): Pulse {
  let last = uptimeOf(clock);
  return {
    beat() {
      last = uptimeOf(clock);
    },
    check: {
      name,
      weight,
      read() {
        const silentMs = uptimeOf(clock) - last;
        if (silentMs <= withinMs) return null;
        return `The ${name} has been stuck for ${Math.round(silentMs / 1000)} s.`;
      },
    },
  };
}

interface HeartbeatOptions {
  /** Its path is a secret with most services, so it is in no log. */
  readonly url: string;
  readonly fetch: typeof globalThis.fetch;
  /** What is wrong with dbconn, in sentences; empty while it is well. */
  readonly problems: () => readonly string[];
  readonly log: Pick<Logger, 'warn'>;
}

const answerWithinMs = 10_000;

/**
 * One call of an address that expects to be called while dbconn is well, so that somebody hears when it is not. Not
 * called while something is wrong: its silence is the alarm. Never throws, follows no redirect, and does not wait
 * for a call that still goes on.
 */
export function createHeartbeat(options: HeartbeatOptions): () => Promise<void> {
  const { url, fetch, problems, log } = options;
  const { host } = new URL(url);
  let isBeating = false;
  return async () => {
    const wrong = problems();
    if (wrong.length > 0) {
      log.warn({ problems: wrong }, 'No heartbeat is sent, because something is wrong');
      return;
    }
    if (isBeating) return;
    isBeating = true;
    try {
      const signal = AbortSignal.timeout(answerWithinMs);
      const response = await fetch(url, { redirect: 'manual', signal });
      await response.body?.cancel();
      if (!response.ok) log.warn({ host, status: response.status }, 'The heartbeat was not taken');
    } catch {
      // The client's error holds the whole address.
      log.warn({ host }, 'The heartbeat cannot be sent');
    } finally {
      isBeating = false;
    }
  };
}
