import type { PoolFigures } from './queue-pool.ts';

/** The gauges the Python world writes by hand for SQLAlchemy's pool, in Prometheus text. */
export function toMetricsText(
  figures: PoolFigures,
  connectErrors: ReadonlyMap<string, number>,
): string {
  const gauges = [
    ['size', 'configured pool_size', figures.size],
    ['max_overflow', 'configured max_overflow, -1 without a ceiling', figures.maxOverflow],
    ['checked_out', 'connections checked out', figures.checkedOut],
    ['checked_in', 'connections idle in the pool', figures.checkedIn],
    ['overflow', 'QueuePool.overflow(), negative below pool_size', figures.overflow],
  ] as const;
  const lines = gauges.flatMap(([name, help, value]) => [
    `# HELP sqlalchemy_pool_${name} ${help}`,
    `# TYPE sqlalchemy_pool_${name} gauge`,
    `sqlalchemy_pool_${name}{pool="default"} ${value}`,
  ]);
  const errors = [...connectErrors].map(
    ([sqlstate, count]) => `sqlalchemy_connect_errors_total{sqlstate="${sqlstate}"} ${count}`,
  );
  return [
    ...lines,
    '# TYPE sqlalchemy_pool_timeouts_total counter',
    `sqlalchemy_pool_timeouts_total{pool="default"} ${figures.timeouts}`,
    '# TYPE sqlalchemy_connect_errors_total counter',
    ...errors,
    '',
  ].join('\n');
}
