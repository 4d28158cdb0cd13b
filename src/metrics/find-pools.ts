import type { PoolReading } from '../runbook/snapshot/snapshot.ts';
import { parseSeries } from './parse-prometheus.ts';
import type { Sample } from './parse-prometheus.ts';
import { figures } from '../pool-metrics/presets.ts';
import type { Figure, FigureNames } from '../pool-metrics/presets.ts';
import { namePools } from './name-pools.ts';
import { toLimit } from './to-limit.ts';

/** A worker each behind 50 replicas fits twice; more would only flood the diagnosis. */
const poolsMax = 200;

/** What the configuration knows where the metrics are silent. */
interface PoolDefaults {
  readonly service: string;
  readonly poolSize?: number;
  readonly maxOverflow?: number;
}

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
