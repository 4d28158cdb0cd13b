import { expect, test } from 'vitest';
import { toReading } from '../../src/pgbouncer/to-reading.ts';
import type { ShownRows } from '../../src/pgbouncer/to-reading.ts';
import type { PoolerReading } from '../../src/runbook/snapshot/readings.ts';

/** Rows with the columns that each version's admin.c sends. */

type Row = Record<string, string | number | null>;

const pool: Row = {
  database: 'shop',
  user: 'app',
  cl_active: 4,
  cl_waiting: 9,
  cl_active_cancel_req: 0,
  cl_waiting_cancel_req: 0,
  sv_active: 4,
  sv_active_cancel: 0,
  sv_being_canceled: 0,
  sv_idle: 0,
  sv_used: 1,
  sv_tested: 0,
  sv_login: 0,
  maxwait: 3,
  maxwait_us: 250_000,
  pool_mode: 'transaction',
};
const database: Row = {
  name: 'shop',
  host: 'db',
  port: 5432,
  database: 'shop_production',
  force_user: null,
  pool_size: 5,
  min_pool_size: 0,
  pool_mode: null,
  max_connections: 0,
  current_connections: 5,
  paused: 0,
  disabled: 0,
};
const socket: Row = {
  type: 'S',
  user: 'app',
  database: 'shop',
  state: 'active',
  addr: '10.0.0.2',
  port: 5432,
  local_addr: '10.0.0.9',
  local_port: 41_000,
  wait: 0,
  wait_us: 0,
  tls: '',
  application_name: 'backend',
};
const client: Row = { ...socket, type: 'C', addr: '10.0.0.5', state: 'waiting' };
const config = (settings: Record<string, string>): Row[] =>
  Object.entries({
    max_client_conn: '100',
    default_pool_size: '20',
    reserve_pool_size: '0',
    reserve_pool_timeout: '5',
    max_db_connections: '0',
    max_user_connections: '0',
    pool_mode: 'session',
    ...settings,
  }).map(([key, value]) => ({ key, value, default: value, changeable: 'yes' }));

function rows(version: string, changes: Partial<ShownRows> = {}, settings = {}): ShownRows {
  return {
    version: [{ version: `PgBouncer ${version}` }],
    config: config(settings),
    lists: [
      { list: 'databases', items: 2 },
      { list: 'used_clients', items: 14 },
      { list: 'login_clients', items: 0 },
    ],
    databases: [{ ...database, reserve_pool: 2 }],
    users: [{ name: 'app', pool_mode: null }],
    pools: [pool, { ...pool, database: 'pgbouncer', user: 'pgbouncer' }],
    servers: [socket],
    clients: [client, client, { ...client, database: 'pgbouncer', state: 'active' }],
    ...changes,
  };
}

/** As 1.24 and 1.25 have them: renamed, and with limits for clients. */
const newer: Partial<ShownRows> = {
  databases: [
    {
      ...database,
      reserve_pool_size: 2,
      server_lifetime: 3600,
      load_balance_hosts: null,
      max_client_connections: 50,
      current_client_connections: 13,
    },
  ],
  users: [
    {
      name: 'app',
      pool_size: '',
      reserve_pool_size: '',
      pool_mode: null,
      max_user_connections: 0,
      current_connections: 5,
      max_user_client_connections: 0,
      current_client_connections: 13,
    },
  ],
  pools: [{ ...pool, load_balance_hosts: null }],
  servers: [{ ...socket, replication: 'none', prepared_statements: 0, id: 7 }],
  clients: [
    { ...client, replication: 'none', prepared_statements: 0, id: 8 },
    { ...client, replication: 'none', prepared_statements: 0, id: 9 },
  ],
};

const read: Partial<PoolerReading> = {
  poolMode: 'session',
  clients: 13,
  maxClientConnections: 100,
  clientsWaiting: 9,
  longestWaitSeconds: 3.25,
  servers: 5,
  mayOpen: 7,
  pools: [
    {
      database: 'shop',
      user: 'app',
      mode: 'transaction',
      clientsActive: 4,
      clientsWaiting: 9,
      longestWaitSeconds: 3.25,
      serversActive: 4,
      serversIdle: 1,
      servers: 5,
      size: 5,
      reserve: 2,
      fullBy: 'pool_size',
    },
  ],
  poolsTotal: 1,
  clientSources: [{ client: '10.0.0.5', application: 'backend', total: 2, waiting: 2 }],
  serverSources: [{ client: '10.0.0.9', user: 'app', database: 'shop_production', total: 1 }],
};

test('1.18 is read, its own console and its new connections left out', () => {
  const servers = [socket, { ...socket, state: 'new', local_addr: '0.0.0.0' }];
  expect(toReading(rows('1.18.0', { servers }))).toEqual({
    ...read,
    version: 'PgBouncer 1.18.0',
    clientLimits: [],
  });
});

test('1.23 is read: the size of a pool may be a user’s own', () => {
  const users = [
    {
      name: 'app',
      pool_size: '        9',
      pool_mode: null,
      max_user_connections: 8,
      current_connections: 5,
    },
  ];
  const reading = toReading(rows('1.23.1', { users }));
  expect(reading.pools[0]).toMatchObject({ size: 9, reserve: 2, fullBy: null });
  expect(reading.mayOpen).toBe(8);
});

test('1.25 is read: columns were renamed, and databases limit their clients', () => {
  expect(toReading(rows('1.25.2', newer))).toEqual({
    ...read,
    version: 'PgBouncer 1.25.2',
    clientLimits: [{ kind: 'database', name: 'shop', limit: 50, used: 13 }],
  });
});

const limits: readonly [
  said: string,
  changes: Partial<ShownRows>,
  settings: Record<string, string>,
  expected: { fullBy: string | null; mayOpen: PoolerReading['mayOpen'] },
][] = [
  [
    'a paused database',
    { databases: [{ ...database, paused: 1 }] },
    {},
    { fullBy: 'paused', mayOpen: 5 },
  ],
  [
    'the limit of a database',
    { databases: [{ ...database, pool_size: 20, max_connections: 5 }] },
    {},
    { fullBy: 'max_db_connections', mayOpen: 5 },
  ],
  [
    'the limit of a user over two databases',
    {
      databases: [
        { ...database, pool_size: 20 },
        { ...database, name: 'stats', pool_size: 20 },
      ],
      pools: [pool, { ...pool, database: 'stats', cl_waiting: 0 }],
    },
    { max_user_connections: '10' },
    { fullBy: 'max_user_connections', mayOpen: 10 },
  ],
  [
    'no limit: the pool may still open some',
    { databases: [{ ...database, pool_size: 20 }] },
    {},
    { fullBy: null, mayOpen: 20 },
  ],
  [
    'no pool_size at all, since 1.24',
    { databases: [{ ...database, pool_size: 0 }] },
    {},
    { fullBy: null, mayOpen: 'unlimited' },
  ],
  [
    'a reserve that is switched off by its time-out',
    { databases: [{ ...database, reserve_pool: 4 }] },
    { reserve_pool_timeout: '0' },
    { fullBy: 'pool_size', mayOpen: 5 },
  ],
];

test.for(limits)('%s', ([, changes, settings, { fullBy, mayOpen }]) => {
  const reading = toReading(rows('1.18.0', changes, settings));
  expect(reading.pools[0]?.fullBy).toBe(fullBy);
  expect(reading.mayOpen).toBe(mayOpen);
});

test('a pooler without a client yet may open one pool', () => {
  const reading = toReading(rows('1.18.0', { pools: [], databases: [], servers: [] }));
  expect(reading).toMatchObject({ mayOpen: 20, servers: 0, pools: [], clientsWaiting: 0 });
});

test('a Unix socket has no address, as PostgreSQL says it', () => {
  const servers = [{ ...socket, local_addr: 'unix' }];
  expect(toReading(rows('1.18.0', { servers })).serverSources[0]?.client).toBeNull();
});

test('clients that PgBouncer has not let in wait since they connected', () => {
  const at = (connect_time: string, changes: Row): Row => ({ ...client, connect_time, ...changes });
  const reading = toReading(
    rows('1.18.0', {
      pools: [{ ...pool, sv_active: 0, sv_used: 0, sv_login: 1, maxwait: 0, maxwait_us: 0 }],
      clients: [
        at('2026-11-23 03:00:00 UTC', {}),
        at('2026-11-23 03:00:09 UTC', {}),
        at('2026-11-23 03:00:12 UTC', { database: 'pgbouncer', state: 'active' }),
      ],
    }),
  );
  expect(reading.longestWaitSeconds).toBe(12);
});

test('clients too many to list are not known, and counted all the same', () => {
  const reading = toReading(rows('1.18.0', { clients: null }));
  expect(reading).toMatchObject({ clientSources: null, clients: 13 });
});

test('what answers with other columns is no PgBouncer', () => {
  expect(() => toReading(rows('1.18.0', { pools: [{ a: 1 }] }))).toThrow('cl_active');
});
