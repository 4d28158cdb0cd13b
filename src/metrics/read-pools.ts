import type { PoolEndpointLook, PoolReading, Problem } from '../runbook/diagnose/snapshot.ts';
import { fetchMetrics } from './fetch-metrics.ts';
import type { FetchOptions } from './fetch-metrics.ts';
import { findPools } from './find-pools.ts';
import { parsePrometheus, parseSeries } from './parse-prometheus.ts';
import type { Sample } from './parse-prometheus.ts';
import type { PoolEndpoint } from './pool-endpoint.ts';
import { figures, presets } from './presets.ts';
import type { Figure, FigureNames } from './presets.ts';
import { toShown } from './replica.ts';
import type { Replica } from './replica.ts';

/** The pools one process reports. Never throws: down, slow or strange is a problem in the result. */
export async function readPools(
  endpoint: PoolEndpoint,
  options: FetchOptions,
): Promise<PoolEndpointLook> {
  const started = performance.now();
  const { pools, problem } = await read(endpoint, options);
  return {
    service: endpoint.service,
    endpoint: toShown(options.replica),
    tookMs: Math.round(performance.now() - started),
    pools,
    ...(problem !== undefined && { problem }),
  };
}

interface Findings {
  readonly pools: readonly PoolReading[];
  readonly problem?: Problem;
}

async function read(endpoint: PoolEndpoint, options: FetchOptions): Promise<Findings> {
  const candidates = toCandidates(endpoint);
  if ('kind' in candidates) return { pools: [], problem: candidates };
  const answer = await fetchMetrics(options, endpoint.headers ?? {});
  if (answer.text === undefined) return { pools: [], problem: answer.problem };
  const samples = parsePrometheus(answer.text);
  const pools = findFirst(samples, candidates, endpoint);
  const problem = answer.problem ?? judge(samples, pools, options.replica);
  return problem === undefined ? { pools } : { pools, problem };
}

function findFirst(
  samples: readonly Sample[],
  candidates: readonly FigureNames[],
  endpoint: PoolEndpoint,
): PoolReading[] {
  for (const names of candidates) {
    const pools = findPools(samples, names, endpoint);
    if (pools.length > 0) return pools;
  }
  return [];
}

function judge(
  samples: readonly Sample[],
  pools: readonly PoolReading[],
  replica: Replica,
): Problem | undefined {
  if (pools.length > 0) return undefined;
  if (samples.length === 0) {
    const summary = `${toShown(replica)} answers, but not with Prometheus metrics.`;
    return { kind: 'invalid', summary, fix: 'Check the port and the path of this address.' };
  }
  return {
    kind: 'missing',
    summary: `${toShown(replica)} has metrics, but none of a connection pool.`,
    fix: 'Set `names.checkedOut` (and size, maxOverflow) of this endpoint to the metrics your application exports.',
  };
}

/** The names to try, or what is wrong with the configured ones. */
function toCandidates(endpoint: PoolEndpoint): readonly FigureNames[] | Problem {
  const { preset, names = {} } = endpoint;
  const chosen = preset === undefined ? undefined : presets.get(preset);
  if (preset !== undefined && chosen === undefined) {
    const known = [...presets.keys()].join(', ');
    return misconfigured(
      `The pool endpoint of ${endpoint.service} names an unknown preset.`,
      known,
    );
  }
  for (const [figure, series] of Object.entries(names)) {
    if (!isFigure(figure)) {
      const summary = `The pool endpoint of ${endpoint.service} names an unknown figure.`;
      return misconfigured(summary, figures.join(', '));
    }
    if (parseSeries(series.replace(/^\*/, '')) === undefined) {
      const summary = `The name of ${figure} for the pools of ${endpoint.service} is no metric.`;
      return misconfigured(summary, 'a name such as db_connections{state="used"}');
    }
  }
  const own = Object.fromEntries(Object.entries(names).map(([k, series]) => [k, [series]]));
  if (chosen !== undefined) return [{ ...chosen, ...own }];
  // A configured checkedOut alone decides what a pool is; mixing it with every preset would find others too.
  if (names['checkedOut'] !== undefined) return [own];
  return [...presets.values()].map((all) => ({ ...all, ...own }));
}

function isFigure(text: string): text is Figure {
  return figures.some((figure) => figure === text);
}

function misconfigured(summary: string, known: string): Problem {
  return { kind: 'invalid', summary, fix: `Use one of: ${known}.` };
}
