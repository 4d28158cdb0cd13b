import { classifyLogs } from '../runbook/snapshot/logs/classify-logs.ts';
import { joinEvents } from '../runbook/snapshot/logs/log-events.ts';
import type { LogLine } from '../runbook/snapshot/logs/log-events.ts';
import type { Services } from '../runbook/snapshot/ports.ts';
import type { Problem, ServiceLogs } from '../runbook/snapshot/snapshot.ts';
import { TimedOut, withTimeout } from '../timing.ts';
import type { Clock } from '../timing.ts';
import { hasStreams, queryRange } from './query-loki.ts';
import type { Answer, LokiAddress, Stream } from './query-loki.ts';

interface LokiLogsOptions extends LokiAddress {
  /** Lines for each service. */
  readonly tail: number;
  /** Only lines younger than this. */
  readonly sinceMs: number | undefined;
  /** The configured services, to tell whose lines they are. */
  readonly services: readonly string[];
  readonly clock: Clock;
}

type ReadLogs = () => Promise<readonly ServiceLogs[]>;

/** A snapshot waits 3 s for its logs and would drop what comes later. */
const budgetMs = 2_500;
/** Loki has no end to count from: what is older than this is no sign of the trouble now. */
const usualSinceMs = 15 * 60_000;
/** Loki refuses more, unless its max_entries_limit_per_query says so. */
const mostLines = 5000;
/** A service that logged nothing for so long was not there either. */
const knownSinceMs = 6 * 3_600_000;

/** What Loki has of the services' logs about connections. Never throws: what cannot be read is a problem of an entry. */
export function createLokiLogs(options: LokiLogsOptions): ReadLogs {
  const { clock, tail, sinceMs = usualSinceMs, services } = options;
  const limit = Math.min(mostLines, tail * Math.max(1, services.length));
  return async () => {
    const began = clock.now();
    const answer = await readStreams(options, { startMs: began - sinceMs, limit });
    const tookMs = clock.now() - began;
    if (!answer.ok) return [ofLoki(tookMs, answer.problem)];
    const found = toLogs(answer.value, services, tookMs);
    return found.length === 0 ? [ofLoki(tookMs)] : found;
  };
}

async function readStreams(
  options: LokiLogsOptions,
  { startMs, limit }: { readonly startMs: number; readonly limit: number },
): Promise<Answer<readonly Stream[]>> {
  const { clock, query } = options;
  try {
    return await withTimeout(budgetMs, async (signal) => {
      const found = await queryRange(options, { startMs, limit, signal });
      if (!found.ok || found.value.length > 0) return found;
      const known = await hasStreams(options, { startMs: clock.now() - knownSinceMs, signal });
      if (!known.ok) return known;
      return known.value ? found : { ok: false, problem: nothingMatches(query) };
    });
  } catch (error) {
    if (!(error instanceof TimedOut)) throw error;
    const summary = `Loki at ${new URL(options.url).host} did not answer within ${budgetMs / 1000} s.`;
    const fix = 'Check whether Loki is overloaded, and narrow logs.loki.query.';
    return { ok: false, problem: { kind: 'timeout', summary, fix } };
  }
}

function nothingMatches(query: string): Problem {
  const kind = 'missing';
  const summary = 'Loki has had no logs for the labels of logs.loki.query in the last 6 hours.';
  const fix = `Compare its labels with those in Grafana: ${query.slice(0, 100)}`;
  return { kind, summary, fix };
}

/** For what is of no service: Loki itself. */
function ofLoki(tookMs: number, problem?: Problem): ServiceLogs {
  const base = { service: 'Loki', container: 'Loki', tookMs, linesRead: 0, classes: [] };
  return problem === undefined ? base : { ...base, problem };
}

/** What shippers call a service and its container, the most exact first. */
const serviceLabels = [
  'compose_service',
  'com_docker_compose_service',
  'service_name',
  'service',
  'app_kubernetes_io_name',
  'app',
  'container',
  'container_name',
  'component',
  'job',
];
const containerLabels = ['pod', 'container_name', 'container', 'instance', 'host'];
/** What a name may be made of: a label is shown in sentences. */
const isName = /^[\w.:/-]{1,80}$/;
/** As many as there may be replicas of a service. */
const mostContainers = 50;

/** The lines of one container, whatever other labels (level, stream) part them. */
function toLogs(
  streams: readonly Stream[],
  services: readonly string[],
  tookMs: number,
): readonly ServiceLogs[] {
  const named = streams.map((found) => ({ ...found, ...toNames(found.stream, services) }));
  const byContainer = Map.groupBy(named, ({ service, container }) => `${service} ${container}`);
  return [...byContainer.values()].slice(0, mostContainers).flatMap((parts) => {
    const [first] = parts;
    if (first === undefined) return [];
    const lines = toLines(parts);
    const classes = classifyLogs(joinEvents(lines));
    const { service, container } = first;
    return [{ service, container, tookMs, linesRead: lines.length, classes }];
  });
}

function toNames(
  labels: Stream['stream'],
  services: readonly string[],
): { readonly service: string; readonly container: string } {
  const pick = (names: readonly string[]): readonly string[] =>
    names.flatMap((name) => labels[name] ?? []).filter((value) => isName.test(value));
  const candidates = pick(serviceLabels);
  const service = candidates.find((name) => services.includes(name)) ?? candidates[0] ?? 'Loki';
  return { service, container: pick(containerLabels)[0] ?? service };
}

/** Oldest first: a label such as the level parts the lines of one stack. */
function toLines(parts: readonly Stream[]): readonly LogLine[] {
  const timed = parts.flatMap(({ stream, values }) => {
    const writer = stream['stream'] === 'stdout' ? 'stdout' : 'stderr';
    return values.toReversed().map(([at, text]) => ({ at: BigInt(at), text, writer }) as const);
  });
  return timed
    .toSorted((a, b) => (a.at < b.at ? -1 : Number(a.at > b.at)))
    .map(({ at, text, writer }) => ({ stream: writer, at: toIso(at), text }));
}

function toIso(nanoseconds: bigint): string | null {
  const time = new Date(Number(nanoseconds / 1_000_000n));
  return Number.isNaN(time.getTime()) ? null : time.toISOString();
}

/**
 * The services, with what Loki has of their logs. What Docker read of a service or a container counts once; a source
 * that could not be read is an entry with its problem, so that the other one is not taken for all there is.
 */
export function joinLogs(services: Services, readLoki: ReadLogs): Services {
  return {
    readServices: () => services.readServices(),
    ...(services.readPermissions !== undefined && {
      readPermissions: services.readPermissions.bind(services),
    }),
    async readLogs() {
      const [docker, loki] = await Promise.all([services.readLogs(), readLoki()]);
      const own = docker.ok ? docker.value : ofDocker(docker);
      const read = own.filter(({ problem }) => problem === undefined);
      const known = new Set(read.flatMap(({ service, container }) => [service, container]));
      const more = loki.filter(
        ({ service, container }) => !known.has(service) && !known.has(container),
      );
      const tookMs = Math.max(docker.tookMs, ...loki.map((one) => one.tookMs));
      return { ok: true, tookMs, value: [...own, ...more] };
    },
  };
}

/** Where no containers are configured Loki is all there is. */
function ofDocker({
  problem,
  tookMs,
}: {
  readonly problem: Problem;
  readonly tookMs: number;
}): readonly ServiceLogs[] {
  if (problem.kind === 'not-configured') return [];
  const names = { service: 'Docker', container: 'Docker' };
  return [{ ...names, tookMs, linesRead: 0, classes: [], problem }];
}
