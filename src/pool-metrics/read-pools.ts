import type { PoolReading } from '../runbook/snapshot/readings.ts';
import type { PoolEndpointSnapshot, Problem } from '../runbook/snapshot/snapshot.ts';
import { fetchMetrics } from './fetch-metrics.ts';
import type { FetchOptions } from './fetch-metrics.ts';
import { findPools } from './find-pools.ts';
import { dropRepeats, parsePrometheus, parseSeries } from './parse-prometheus.ts';
import type { Sample } from './parse-prometheus.ts';
import { figures, presets } from './presets.ts';
import type { Figure, FigureNames } from './presets.ts';
import type { PoolEndpoint } from './replicas.ts';
import { toShown } from './replicas.ts';

/** The pools one process reports. Never throws: down, slow or strange is a problem in the result. */
export async function readPools(
  endpoint: PoolEndpoint,
  options: FetchOptions,
): Promise<PoolEndpointSnapshot> {
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
  const { samples, contradicting } = dropRepeats(parsePrometheus(answer.text));
  const pools = findFirst(samples, candidates, endpoint);
  const shown = toShown(options.replica);
  const problem =
    answer.problem ??
    (pools.length > 0
      ? contradiction(contradicting, candidates, shown)
      : judgeWithout(samples, answer.contentType, shown));
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

function judgeWithout(samples: readonly Sample[], contentType: string, shown: string): Problem {
  if (samples.length === 0) {
    const summary = `${shown} answers, but not with Prometheus metrics (content type ${contentType}).`;
    const fix = 'Check the port and the path of this address; a proxy may be answering.';
    return { kind: 'invalid', summary, fix };
  }
  // A page holds lines that look like samples, too.
  const type = contentType === 'text/html' ? ' (content type text/html)' : '';
  return {
    kind: 'missing',
    summary: `${shown} has metrics, but none of a connection pool${type}.`,
    fix: 'Set `names.checkedOut` (and size, maxOverflow) of this endpoint to the metrics your application exports.',
  };
}

/** A figure of a pool that is given twice, and not the same. */
function contradiction(
  series: ReadonlySet<string>,
  candidates: readonly FigureNames[],
  shown: string,
): Problem | undefined {
  const names = candidates.flatMap((one) => Object.values(one).flat());
  const name = [...series].find((one) => names.some((wanted) => isNamed(one, wanted)));
  if (name === undefined) return undefined;
  const summary = `${shown} gives ${name} more than once, with different values; the first was read.`;
  return {
    kind: 'invalid',
    summary,
    fix: 'Export each pool once, or give each a label of its own.',
  };
}

function isNamed(name: string, wanted: string): boolean {
  const prefixed = wanted.startsWith('*');
  const plain = parseSeries(prefixed ? wanted.slice(1) : wanted)?.name;
  return plain !== undefined && (prefixed ? name.endsWith(plain) : name === plain);
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
