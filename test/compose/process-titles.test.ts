import { describe, expect, test } from 'vitest';
import { countSessions } from '../../src/docker/postgres-processes.ts';

const none = { clients: 0, authenticating: 0, idle: 0, idleInTransaction: 0, active: 0 };

describe('process titles of PostgreSQL', () => {
  test.for<[string, object, object]>([
    [
      'postgres: app shop 172.18.0.3(46416) idle',
      { clients: 1, idle: 1 },
      { user: 'app', database: 'shop', client: '172.18.0.3' },
    ],
    [
      'postgres: app shop 172.18.0.3(46416) idle in transaction',
      { clients: 1, idleInTransaction: 1 },
      { user: 'app' },
    ],
    [
      'postgres: app shop fd00::3(46416) idle in transaction (aborted)',
      { clients: 1, idleInTransaction: 1 },
      { client: 'fd00::3' },
    ],
    [
      'postgres: app shop db.example(5) SELECT waiting',
      { clients: 1, active: 1 },
      { client: 'db.example' },
    ],
    ['postgres: app shop [local] SELECT', { clients: 1, active: 1 }, { client: '[local]' }],
    ['postgres: app shop 10.0.0.9(5) authentication', { clients: 1, authenticating: 1 }, {}],
    ['postgres: app shop 10.0.0.9(5) startup waiting', { clients: 1, authenticating: 1 }, {}],
    ['postgres: app shop 10.0.0.9(5) initializing', { clients: 1, authenticating: 1 }, {}],
    // update_process_title = off
    ['postgres: app shop 10.0.0.9(5)', { clients: 1 }, { user: 'app' }],
    ['postgres: app shop 10.0.0.9(5) ', { clients: 1 }, { user: 'app' }],
    ['postgres: 15/main: app shop [local] idle', { clients: 1, idle: 1 }, { user: 'app' }],
    ['postgres: my cluster: app shop [local] idle', { clients: 1, idle: 1 }, { user: 'app' }],
    // Names made to mislead.
    [
      'postgres: odd name (1) idle shop 10.0.0.9(5) SELECT',
      { clients: 1, active: 1 },
      { user: 'odd name (1) idle', database: 'shop', client: '10.0.0.9' },
    ],
    [
      'postgres: x 10.0.0.1(1) idle 10.0.0.9(5) idle in transaction',
      { clients: 1, idleInTransaction: 1 },
      { client: '10.0.0.9' },
    ],
    [
      'postgres: \u202Eapp <!channel> [local] idle',
      { clients: 1, idle: 1 },
      { database: '<!channel>' },
    ],
  ])('%s', ([title, counts, source]) => {
    const counted = countSessions([title]);
    expect(counted).toMatchObject({ ...none, ...counts });
    expect(counted.sources).toMatchObject([{ ...source, total: 1 }]);
  });

  test('workers, walsenders, the server itself and a child without a startup packet are no clients', () => {
    const counted = countSessions([
      'postgres -c max_connections=20 -D /var/lib/postgresql/data',
      'postgres -c max_connections=20 -D /var/lib/postgresql/data',
      'postgres: checkpointer ',
      'postgres: my cluster: logical replication launcher',
      'postgres: autovacuum worker shop',
      'postgres: parallel worker for PID 77 ',
      'postgres: walsender repl 10.0.0.4(51000) streaming 0/3000148',
      'postgres: 15/main: walsender repl [local] idle',
      'postgres: io worker 0',
      'psql -U postgres: app shop [local] idle',
      'sh -c sleep 5',
      '',
    ]);
    expect(counted).toEqual({ ...none, sources: [] });
  });

  test('sources are grouped whatever the port, the largest first, at most twenty', () => {
    const titles = Array.from({ length: 30 }, (_, source) =>
      Array.from(
        { length: source + 1 },
        (_, port) => `postgres: app${source} shop 10.0.0.${source}(${port + 1}) idle`,
      ),
    ).flat();
    const { sources, clients } = countSessions(titles);
    expect(clients).toBe(465);
    expect(sources).toHaveLength(20);
    expect(sources[0]).toEqual({ user: 'app29', database: 'shop', client: '10.0.0.29', total: 30 });
    expect(sources.at(-1)?.total).toBe(11);
  });
});
