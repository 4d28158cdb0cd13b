/** What dbconn wants to know of a pool, in the words of SQLAlchemy's QueuePool. */
export const figures = [
  'checkedOut',
  'checkedIn',
  'size',
  'maxOverflow',
  'overflow',
  'limit',
  'timeouts',
] as const;
export type Figure = (typeof figures)[number];

/**
 * For each figure the series it may be found under, the first one present wins. A leading `*` stands for any
 * prefix, so that one line covers `airweave_db_pool_size` and the like; different prefixes are different pools.
 */
export type FigureNames = Readonly<Partial<Record<Figure, readonly string[]>>>;

/**
 * Metric names in the wild. No library dominates: nearly everybody writes these gauges by hand, so they are
 * tried in this order and configurable. Only OpenTelemetry's semantic conventions publish a ceiling directly.
 */
export const presets: ReadonlyMap<string, FigureNames> = new Map([
  [
    'sqlalchemy',
    {
      checkedOut: [
        'sqlalchemy_pool_checked_out',
        'sqlalchemy_pool_checkedout',
        'sqlalchemy_pool_checked_out_connections',
      ],
      checkedIn: [
        'sqlalchemy_pool_checked_in',
        'sqlalchemy_pool_checkedin',
        'sqlalchemy_pool_checked_in_connections',
      ],
      size: ['sqlalchemy_pool_size', 'sqlalchemy_pool_size_configured'],
      maxOverflow: ['sqlalchemy_pool_max_overflow'],
      overflow: ['sqlalchemy_pool_overflow', 'sqlalchemy_pool_overflow_connections'],
      timeouts: ['sqlalchemy_pool_timeouts_total', 'sqlalchemy_pool_timeouts'],
    },
  ],
  [
    'db-pool',
    {
      checkedOut: ['db_pool_checked_out', 'db_pool_checkedout'],
      checkedIn: ['db_pool_checked_in', 'db_pool_checkedin'],
      size: ['db_pool_size'],
      // In the FastAPI templates that have it, num_overflow is the configured maximum.
      maxOverflow: ['db_pool_max_overflow', 'db_pool_num_overflow'],
      overflow: ['db_pool_overflow'],
      timeouts: ['db_pool_timeouts_total', 'db_pool_timeouts'],
    },
  ],
  [
    'opentelemetry',
    {
      checkedOut: [
        'db_client_connection_count{state="used"}',
        'db_client_connection_count{db_client_connection_state="used"}',
        'db_client_connections_usage{state="used"}',
        // opentelemetry-exporter-prometheus appends the instrument's unit.
        'db_client_connections_usage_connections{state="used"}',
      ],
      checkedIn: [
        'db_client_connection_count{state="idle"}',
        'db_client_connection_count{db_client_connection_state="idle"}',
        'db_client_connections_usage{state="idle"}',
        'db_client_connections_usage_connections{state="idle"}',
      ],
      limit: ['db_client_connection_max', 'db_client_connections_max'],
      timeouts: ['db_client_connection_timeouts_total', 'db_client_connections_timeouts_total'],
    },
  ],
  [
    'prefixed-db-pool',
    {
      checkedOut: ['*_db_pool_checked_out', '*_db_pool_checkedout'],
      checkedIn: ['*_db_pool_checked_in', '*_db_pool_checkedin'],
      size: ['*_db_pool_size'],
      maxOverflow: ['*_db_pool_max_overflow', '*_db_pool_num_overflow'],
      overflow: ['*_db_pool_overflow'],
      timeouts: ['*_db_pool_timeouts_total', '*_db_pool_timeouts'],
    },
  ],
  [
    'db-connections',
    {
      checkedOut: ['db_connections{state="checked_out"}'],
      checkedIn: ['db_connections{state="checked_in"}'],
    },
  ],
]);
