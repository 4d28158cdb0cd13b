const nameMaxCodePoints = 100;

/** The labels people tell their pools apart by, the most telling first. */
const telling = ['pool', 'pool_name', 'db_client_connection_pool_name', 'name', 'engine', 'prefix'];

/**
 * A name for each pool of one endpoint out of its labels: the pool's own label where that tells them apart,
 * otherwise every label in which they differ (`pool=main pid=12`); `default` where there is none.
 * OpenTelemetry's pool names may be connection addresses, so a password in one is left out.
 */
export function namePools(pools: readonly ReadonlyMap<string, string>[]): string[] {
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
