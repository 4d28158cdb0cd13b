import type { Client } from 'pg';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startCluster } from '../support/clusters.ts';
import type { Cluster } from '../../sandbox/patient/cluster.ts';
import { createIdleSessions } from '../../src/postgres/privileged/idle-sessions.ts';

import { PrivilegedUnavailable } from '../../src/runbook/remedies/remedy.ts';
import type {
  Candidates,
  PrivilegedConnection,
} from '../../src/runbook/remedies/a-terminate-idle/ports.ts';
import { openClient } from '../support/sql.ts';

let cluster: Cluster;
const open = new Set<Client>();
beforeEach(async () => {
  cluster = await startCluster({ settings: { max_connections: 10 } });
  const admin = await connect('postgres');
  await admin.query('CREATE ROLE app LOGIN; CREATE ROLE acting LOGIN');
  await admin.query('GRANT pg_monitor, pg_signal_backend TO acting');
  await admin.end();
  open.delete(admin);
});
afterEach(async () => {
  await cluster.thaw();
  await Promise.all([...open].map((client) => client.end().catch(() => undefined)));
  open.clear();
  await cluster.close();
});

async function connect(user: string): Promise<Client> {
  const client = await openClient(cluster.url(user));
  open.add(client);
  return client;
}

/** Takes every slot an ordinary role can have. */
async function fill(): Promise<void> {
  for (;;) {
    const connected = await connect('app').then(
      () => true,
      () => false,
    );
    if (!connected) return;
  }
}

function readCandidates(privileged: PrivilegedConnection): Promise<Candidates> {
  return privileged.act((session) =>
    session.readTerminateCandidates({
      states: ['idle'],
      idleForMs: 1,
      application: null,
      guard: {
        idleForMs: 1,
        protectedApplications: [],
        poolerApplications: [],
        applicationRoles: [],
      },
    }),
  );
}

async function failure(work: Promise<unknown>): Promise<Error> {
  const error: unknown = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof PrivilegedUnavailable))
    throw new Error('It should have been unavailable.');
  return error;
}

test('on a full server the sentence says what to set, and a slot that comes free meanwhile is taken', async () => {
  await fill();
  const privileged = createIdleSessions({ url: cluster.url('acting') });
  expect((await failure(readCandidates(privileged))).message).toMatch(
    /^PostgreSQL has no slot for the acting role\. Set reserved_connections/,
  );
  const [leaving] = open;
  const found = readCandidates(privileged);
  await Promise.all([leaving?.end(), found]);
  expect((await found).total).toBeGreaterThan(3);
});

test('at its own connection limit the acting role waits for its turn', async () => {
  const admin = await connect('postgres');
  await admin.query('ALTER ROLE acting CONNECTION LIMIT 1');
  const privileged = createIdleSessions({ url: cluster.url('acting') });
  const both = await Promise.all([readCandidates(privileged), readCandidates(privileged)]);
  expect(both.map(({ role }) => role)).toEqual(['acting', 'acting']);
});

test('a role that may use the reserve acts on a full server by itself', async () => {
  const admin = await connect('postgres');
  await admin.query('ALTER SYSTEM SET reserved_connections = 2');
  await admin.query('GRANT pg_use_reserved_connections TO acting');
  await cluster.stop();
  await cluster.start();
  await fill();
  const privileged = createIdleSessions({ url: cluster.url('acting') });
  expect((await readCandidates(privileged)).total).toBe(5);
});

test('a stopped and a frozen server are told apart, in bounded time and without an address', async () => {
  const privileged = createIdleSessions({ url: cluster.url('acting', 'postgres', 'hunter2') });
  await cluster.freeze();
  const began = performance.now();
  const frozen = await failure(readCandidates(privileged));
  expect(performance.now() - began).toBeLessThan(20_000);
  expect(frozen.message).toBe('The acting connection timed out or was lost.');
  await cluster.thaw();
  await cluster.stop();
  const stopped = await failure(readCandidates(privileged));
  expect(stopped.message).toMatch(/^Nothing listens where PostgreSQL should be/);
});

test('a connection lost in the middle is told as such, and a server that freezes then does not hold it', async () => {
  const privileged = createIdleSessions({ url: cluster.url('acting') });
  const lost = privileged.act(async (session) => {
    await cluster.stop('immediate');
    return session.readRemainingSessions([]);
  });
  expect((await failure(lost)).message).toMatch(/lost|failed/);
  await cluster.start();
  const frozen = privileged.act(async (session) => {
    await session.readRemainingSessions([]);
    await cluster.freeze();
    return session.readRemainingSessions([]);
  });
  expect((await failure(frozen)).message).toMatch(/timed out/);
});

test('the url’s sslmode means what libpq means by it', async () => {
  const url = cluster.url('acting');
  expect((await readCandidates(createIdleSessions({ url: `${url}?sslmode=prefer` }))).role).toBe(
    'acting',
  );
  const required = createIdleSessions({ url: `${url}?sslmode=require` });
  expect((await failure(readCandidates(required))).message).toMatch(/TLS|timed out or was lost/);
});

test('no connection is left open', async () => {
  await readCandidates(createIdleSessions({ url: cluster.url('acting') }));
  const admin = await connect('postgres');
  const sql = `SELECT count(*)::int AS n FROM pg_stat_activity WHERE usename = 'acting'`;
  let left = 1;
  for (let tries = 0; tries < 500 && left > 0; tries += 1) {
    left = (await admin.query<{ n: number }>(sql)).rows[0]?.n ?? -1;
  }
  expect(left).toBe(0);
});
