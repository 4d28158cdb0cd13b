import type Docker from 'dockerode';
import { classifyLogs } from '../../runbook/snapshot/logs/classify-logs.ts';
import { joinEvents } from '../../runbook/snapshot/logs/log-events.ts';
import type { LogLine } from '../../runbook/snapshot/logs/log-events.ts';
import type { ServiceLogs } from '../../runbook/snapshot/snapshot.ts';
import type { Clock } from '../../timing.ts';
import type { FoundContainer } from '../containers.ts';
import { toProblem } from '../failure.ts';
import { withTimeout } from '../../timing.ts';
import { isProbe, mayBeProbe } from './health-checks.ts';
import type { ProbeLogins } from './health-checks.ts';
import { LogFrameReader, joinFrames } from './log-lines.ts';
import type { LogFrame } from './log-lines.ts';

interface LogBounds {
  /** Records of the log driver, counted from the end. */
  readonly tail: number;
  /** Milliseconds since the epoch. */
  readonly sinceMs?: number;
  readonly untilMs?: number;
  /** The newest so many bytes are kept. */
  readonly maxBytes: number;
  readonly budgetMs: number;
}

interface LogSource {
  readonly docker: Docker;
  readonly clock: Clock;
  /** For PostgreSQL's own log: what health checks log in with. */
  readonly readProbeLogins?: () => Promise<ProbeLogins>;
}

/** One container's log lines that speak of connections, counted by class. Never throws. */
export async function readContainerLogs(
  source: LogSource,
  container: FoundContainer,
  bounds: LogBounds,
): Promise<ServiceLogs> {
  const { clock } = source;
  const began = clock.now();
  const { lines, error } = await readWithoutProbes(source, container.id, bounds);
  return {
    service: container.service,
    container: container.name,
    linesRead: lines.length,
    classes: classifyLogs(joinEvents(lines)),
    tookMs: clock.now() - began,
    ...(error !== undefined && { problem: toProblem(error, `the logs of ${container.name}`) }),
  };
}

/** As many as dbconn.yml may ask for. */
const mostRecords = 5000;
/** Below this there is no time to read a log once more. */
const leastMs = 200;

/**
 * The end of a log without the refusals that health checks bring about. Where they took the place of other lines, so much
 * further back is read once more.
 */
async function readWithoutProbes(
  { docker, clock, readProbeLogins }: LogSource,
  id: string,
  bounds: LogBounds,
): Promise<LogRead> {
  const began = clock.now();
  const read = await readLogLines(docker, id, bounds);
  if (readProbeLogins === undefined || !read.lines.some(({ text }) => mayBeProbe(text)))
    return read;
  const logins = await readProbeLogins();
  const isOther = ({ text }: LogLine): boolean => !isProbe(text, logins);
  const kept = read.lines.filter(isOther);
  const budgetMs = bounds.budgetMs - (clock.now() - began);
  const isCut = read.lines.length >= bounds.tail && kept.length < read.lines.length;
  if (!isCut || budgetMs < leastMs) return { ...read, lines: kept };
  const share = read.lines.length / Math.max(1, kept.length);
  const tail = Math.min(mostRecords, Math.ceil(bounds.tail * share));
  const further = await readLogLines(docker, id, { ...bounds, tail, budgetMs });
  if (further.error !== undefined) return { ...read, lines: kept };
  return { lines: further.lines.filter(isOther).slice(-bounds.tail) };
}

interface LogRead {
  readonly lines: readonly LogLine[];
  readonly error?: unknown;
}

/**
 * The end of a container's log. What had come before an error or the end of the time is returned with it:
 * half a log may already hold the line that explains the incident.
 */
export async function readLogLines(
  docker: Docker,
  id: string,
  bounds: LogBounds,
): Promise<LogRead> {
  const frames = new NewestFrames(bounds.maxBytes);
  try {
    await withTimeout(bounds.budgetMs, (signal) =>
      readFrames(docker, id, { bounds, frames, signal }),
    );
    return { lines: joinFrames(frames.all()) };
  } catch (error) {
    return { lines: joinFrames(frames.all()), error };
  }
}

interface Reading {
  readonly bounds: LogBounds;
  readonly frames: NewestFrames;
  readonly signal: AbortSignal;
}

async function readFrames(docker: Docker, id: string, reading: Reading): Promise<void> {
  const { tail, sinceMs, untilMs } = reading.bounds;
  // `follow` never reaches the engine: `_query` replaces what would be sent. It only makes dockerode hand out
  // the answer as a stream instead of collecting it, however large, and then trying to parse it as JSON.
  const options = {
    follow: true as const,
    abortSignal: reading.signal,
    _query: {
      stdout: 1,
      stderr: 1,
      timestamps: 1,
      tail,
      ...(sinceMs !== undefined && { since: toSeconds(sinceMs) }),
      ...(untilMs !== undefined && { until: toSeconds(untilMs) }),
    },
  };
  const stream = await docker.getContainer(id).logs(options);
  const reader = new LogFrameReader();
  for await (const chunk of stream) {
    reading.frames.add(reader.read(typeof chunk === 'string' ? Buffer.from(chunk) : chunk));
  }
  reading.frames.add(reader.end());
}

/** The engine answers an RFC 3339 text with HTTP 500; it takes seconds with a fraction. */
function toSeconds(ms: number): string {
  return (ms / 1000).toFixed(3);
}

/** Keeps the newest frames within a number of bytes, and always the last one. */
class NewestFrames {
  readonly #maxBytes: number;
  #frames: LogFrame[] = [];
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  add(frames: readonly LogFrame[]): void {
    for (const frame of frames) {
      // A copy: the slice would keep the whole chunk it was read in.
      this.#frames.push({ stream: frame.stream, bytes: Buffer.from(frame.bytes) });
      this.#bytes += frame.bytes.length;
    }
    let dropped = 0;
    while (this.#bytes > this.#maxBytes && dropped < this.#frames.length - 1) {
      this.#bytes -= this.#frames[dropped]?.bytes.length ?? 0;
      dropped += 1;
    }
    if (dropped > 0) this.#frames = this.#frames.slice(dropped);
  }

  all(): readonly LogFrame[] {
    return this.#frames;
  }
}
