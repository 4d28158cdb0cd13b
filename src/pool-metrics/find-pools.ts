import type { PoolReading } from '../runbook/snapshot/readings.ts';
import { parseSeries } from './parse-prometheus.ts';
import type { Sample } from './parse-prometheus.ts';
import { figures } from './presets.ts';
import type { Figure, FigureNames } from './presets.ts';
import type { PoolEndpoint } from './replicas.ts';

const nameMaxCodePoints = 100;

/** The labels people tell their pools apart by, the most telling first. */
const telling = ['pool', 'pool_name', 'db_client_connection_pool_name', 'name', 'engine', 'prefix'];

/**
 * A name for each pool of one endpoint out of its labels: the pool's own label where that tells them apart,
 * otherwise every label in which they differ (`pool=main pid=12`); `default` where there is none.
 * OpenTelemetry's pool names may be connection addresses, so a password in one is left out.
 */
function namePools(pools: readonly ReadonlyMap<string, string>[]): string[] {
  for (const label of telling) {
    const values = pools.map((labels) => labels.get(label));
    const named = values.filter((value) => value !== undefined && value !== '');
    if (new Set(named).size === pools.length) return named.map((value) => toName(value ?? ''));
  }
  const labels = new Set(pools.flatMap((pool) => [...pool.keys()]));
  const differing = [...labels].filter((label) => {
    return new Set(pools.map((pool) => pool.get(label))).size > 1;
  });
  return pools.map((pool) => {
    const parts = differing.map((label) => [label, pool.get(label) ?? ''] as const);
    const [only] = parts;
    if (only === undefined) return 'default';
    return toName(parts.length === 1 ? only[1] : parts.map(([k, v]) => `${k}=${v}`).join(' '));
  });
}

function toName(text: string): string {
  const clean = text.replaceAll(/\/\/[^/@\s]*@/g, '//').replaceAll(/[?&]\S*/g, '');
  const points = Array.from(clean);
  if (clean === '') return 'default';
  return points.length <= nameMaxCodePoints
    ? clean
    : `${points.slice(0, nameMaxCodePoints - 1).join('')}…`;
}

interface LimitFigures {
  readonly size: number | null;
  readonly maxOverflow: number | null;
  /** `maxOverflow` came from the pool itself, not from a configuration. */
  readonly maxOverflowMeasured: boolean;
  /** A ceiling the metrics publish as one number. */
  readonly ceiling: number | null;
  readonly checkedOut: number;
}

/**
 * How many connections a pool may open: size + max_overflow as SQLAlchemy's QueuePool has it.
 * Any negative max_overflow is no ceiling. A size of 0 is none either on SQLAlchemy 2 (which then turns
 * max_overflow into -1), but limits to max_overflow on 1.4: there the pool itself still reports it.
 * `QueuePool.overflow()` is no substitute for max_overflow: it is the present overflow, so the result would
 * always be nearly 100 % used.
 */
function toLimit(figures: LimitFigures): number | 'unlimited' | null {
  const { size, maxOverflow, ceiling } = figures;
  if (ceiling !== null) return ceiling > 0 ? ceiling : 'unlimited';
  if (maxOverflow !== null && maxOverflow < 0) return 'unlimited';
  if (size === 0) return limitOfSizeZero(figures);
  return size === null || maxOverflow === null ? null : size + maxOverflow;
}

function limitOfSizeZero(figures: LimitFigures): number | 'unlimited' {
  const { maxOverflow, maxOverflowMeasured, checkedOut } = figures;
  if (!maxOverflowMeasured || maxOverflow === null || maxOverflow === 0) return 'unlimited';
  return checkedOut > maxOverflow ? 'unlimited' : maxOverflow;
}

/** A worker each behind 50 replicas fits twice; more would only flood the diagnosis. */
const poolsMax = 200;

/** What the configuration knows where the metrics are silent. */
type PoolDefaults = Pick<PoolEndpoint, 'service' | 'poolSize' | 'maxOverflow'>;

interface FigureSample {
  /** The sample's labels without those that chose it. */
  readonly labels: ReadonlyMap<string, string>;
  readonly value: number;
}

type FoundFigures = ReadonlyMap<Figure, readonly FigureSample[]>;

/**
 * The pools a process reports: one per label set of `checkedOut`, as each worker and each engine has a pool
 * of its own and their sum says nothing about one being exhausted. Empty when no such series is there.
 */
export function findPools(
  samples: readonly Sample[],
  names: FigureNames,
  defaults: PoolDefaults,
): PoolReading[] {
  const found = new Map(
    figures.map((figure) => [figure, findFigure(samples, names[figure] ?? [])]),
  );
  const checkedOut = (found.get('checkedOut') ?? []).filter(({ value }) => Number.isFinite(value));
  const pools = checkedOut.slice(0, poolsMax);
  const poolNames = namePools(pools.map(({ labels }) => labels));
  return pools.map((pool, index) => ({
    service: defaults.service,
    name: poolNames[index] ?? 'default',
    ...readFigures(pool, found, defaults),
  }));
}

function readFigures(
  pool: FigureSample,
  found: FoundFigures,
  defaults: PoolDefaults,
): Omit<PoolReading, 'service' | 'name'> {
  const read = (figure: Figure): number | null => valueFor(pool.labels, found.get(figure) ?? []);
  const size = read('size') ?? defaults.poolSize ?? null;
  const measured = read('maxOverflow');
  const maxOverflow = measured ?? defaults.maxOverflow ?? null;
  const checkedOut = pool.value;
  const limit = toLimit({
    size,
    maxOverflow,
    maxOverflowMeasured: measured !== null,
    ceiling: read('limit'),
    checkedOut,
  });
  return {
    size,
    maxOverflow,
    checkedOut,
    checkedIn: read('checkedIn'),
    overflow: read('overflow'),
    limit,
    utilisation: typeof limit === 'number' && limit > 0 ? checkedOut / limit : null,
    timeouts: read('timeouts'),
  };
}

function findFigure(samples: readonly Sample[], alternatives: readonly string[]): FigureSample[] {
  for (const alternative of alternatives) {
    const found = matching(samples, alternative);
    if (found.length > 0) return found;
  }
  return [];
}

function matching(samples: readonly Sample[], alternative: string): FigureSample[] {
  const prefixed = alternative.startsWith('*');
  const wanted = parseSeries(prefixed ? alternative.slice(1) : alternative);
  if (wanted === undefined) return [];
  return samples.flatMap(({ name, labels, value }) => {
    if (prefixed ? !name.endsWith(wanted.name) : name !== wanted.name) return [];
    if ([...wanted.labels].some(([key, text]) => labels.get(key) !== text)) return [];
    const rest = new Map([...labels].filter(([key]) => !wanted.labels.has(key)));
    if (prefixed) rest.set('prefix', name.slice(0, -wanted.name.length));
    return [{ labels: rest, value }];
  });
}

/** A figure may carry fewer labels than the pool (one configured size for all workers): the closest one counts. */
function valueFor(
  pool: ReadonlyMap<string, string>,
  candidates: readonly FigureSample[],
): number | null {
  let best: FigureSample | undefined;
  for (const candidate of candidates) {
    const fits = [...candidate.labels].every(([key, text]) => pool.get(key) === text);
    if (fits && (best === undefined || candidate.labels.size > best.labels.size)) best = candidate;
  }
  return best !== undefined && Number.isFinite(best.value) ? best.value : null;
}
