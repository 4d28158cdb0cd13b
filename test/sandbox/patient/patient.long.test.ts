import { existsSync } from 'node:fs';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startPatient } from '../../../sandbox/patient/patient.ts';
import type { Patient } from '../../../sandbox/patient/patient.ts';
import type { Trouble, Variants } from '../../../sandbox/patient/scenes/scene.ts';
import type { PoolReading } from '../../../src/runbook/snapshot/readings.ts';
import type { LogClass } from '../../../src/runbook/snapshot/snapshot.ts';
import { patienceMs } from '../../support/until.ts';

let patient: Patient;
let watcher: Client;

beforeAll(async () => {
  patient = await startPatient({ seed: 7 });
  watcher = new Client({ connectionString: patient.urls.dbconn, application_name: 'watcher' });
  await watcher.connect();
});

afterAll(async () => {
  await watcher.end();
  await patient.close();
});

interface Row {
  readonly pid: number;
  readonly application: string;
  readonly state: string;
  readonly query: string;
  readonly waiting: boolean;
  readonly wrote: boolean;
  readonly stateMs: number;
  readonly queryMs: number;
  readonly connectedMs: number;
  readonly client: string;
}

/** The client backends of the services, as dbconn's role sees them. */
async function sessions(): Promise<Row[]> {
  const { rows } = await watcher.query<Row>(`
    SELECT pid, application_name AS application, state, query, host(client_addr) AS client,
      wait_event_type = 'Lock' AS waiting, backend_xid IS NOT NULL AS wrote,
      (1000 * extract(epoch FROM clock_timestamp() - state_change))::float8 AS "stateMs",
      (1000 * extract(epoch FROM clock_timestamp() - query_start))::float8 AS "queryMs",
      (1000 * extract(epoch FROM clock_timestamp() - backend_start))::float8 AS "connectedMs"
    FROM pg_stat_activity
    WHERE backend_type = 'client backend' AND usename IN ('app', 'batch') AND state IS NOT NULL`);
  return rows;
}

/** The services the trouble brought; the bystander is the one that was there before. */
function troubled(): string[] {
  const [bystander, ...others] = patient.target().services.map(({ name }) => name);
  return others.filter((name) => name !== bystander);
}

async function troubledSessions(): Promise<Row[]> {
  const names = troubled();
  return (await sessions()).filter(({ application }) => names.includes(application));
}

async function troubledPools(): Promise<PoolReading[]> {
  const part = await patient.pools().readPools();
  if (!part.ok) throw new Error(part.problem.summary);
  const names = troubled();
  expect(part.value.map(({ problem }) => problem)).toEqual(part.value.map(() => undefined));
  return part.value.flatMap(({ pools }) => pools).filter(({ service }) => names.includes(service));
}

async function loggedClasses(): Promise<Set<LogClass>> {
  const part = await patient.services().readLogs();
  if (!part.ok) throw new Error(part.problem.summary);
  const own = part.value.filter(({ service }) => troubled().includes(service));
  return new Set(own.flatMap(({ classes }) => classes.map((entry) => entry.class)));
}

async function make(what: Trouble | readonly Trouble[], variants?: Variants): Promise<void> {
  const stories = await patient.trouble(what, variants);
  expect(stories).toHaveLength(typeof what === 'string' ? 1 : what.length);
}

function utilisation(rows: readonly Row[]): number {
  return rows.length / patient.usableSlots;
}

function count(rows: readonly Row[], state: string): number {
  return rows.filter((row) => row.state === state).length;
}

// One patient falls ill with one thing after the other, as in the tour.
describe('the patient', () => {
  test('is healthy: few slots used, no pool near its limit, nothing in the logs', async () => {
    await make('healthy');
    const rows = await sessions();
    expect(utilisation(rows)).toBeLessThan(0.6);
    expect(rows.every(({ waiting }) => !waiting)).toBe(true);
    for (const pool of await troubledPools()) expect(pool.utilisation).toBeLessThan(0.9);
    expect(await loggedClasses()).not.toContain('pool-timeout');
  });

  test('is healthy and busy: 85% of the slots, short active queries, no pool at its limit', async () => {
    await make('healthy-busy');
    const own = await troubledSessions();
    const used = (await sessions()).length + 1; // dbconn's own
    expect(used / patient.usableSlots).toBeCloseTo(0.85, 1);
    await expect
      .poll(async () => count(await troubledSessions(), 'active'), { timeout: patienceMs })
      .toBeGreaterThan(own.length / 2);
    expect(own.every(({ waiting }) => !waiting)).toBe(true);
    expect(Math.max(...own.map(({ queryMs }) => queryMs))).toBeLessThan(patient.limits.slowQueryMs);
    for (const pool of await troubledPools()) expect(pool.utilisation).toBeLessThan(0.9);
  });

  test.each(['transaction', 'autocommit'] as const)(
    'leaks connections (%s): one statement holds them all, the pool is dry and requests time out',
    async (leak) => {
      await make('connection-leak', { leak });
      const rows = await troubledSessions();
      const state = leak === 'transaction' ? 'idle in transaction' : 'idle';
      expect(utilisation(await sessions())).toBeGreaterThan(0.9);
      expect(count(rows, state)).toBe(rows.length);
      const shapes = new Set(rows.map(({ query }) => query.replace(/customer\d+/, '')));
      expect(shapes.size).toBe(1);
      expect(new Set(rows.map(({ query }) => query)).size).toBe(rows.length / replicasOf(rows));
      expect(spread(rows)).toBeGreaterThan(1000); // it grew, rather than come at once
      for (const pool of await troubledPools()) {
        expect(pool.utilisation).toBe(1);
        expect(pool.timeouts).toBeGreaterThan(0);
      }
      expect(await loggedClasses()).toContain('pool-timeout');
    },
  );

  test('has slow queries: most slots run one for long, and nobody waits for a lock', async () => {
    await make('slow-queries');
    const rows = await troubledSessions();
    const slow = rows.filter(
      ({ state, queryMs }) => state === 'active' && queryMs >= patient.limits.slowQueryMs,
    );
    expect(utilisation(slow)).toBeGreaterThan(0.8);
    expect(rows.every(({ waiting }) => !waiting)).toBe(true);
  });

  test('has uncommitted transactions: old ones that wrote, from different statements', async () => {
    await make('uncommitted-transactions');
    const old = (await troubledSessions()).filter(
      ({ state, stateMs }) =>
        state === 'idle in transaction' && stateMs >= patient.limits.terminateIdleInTransactionMs,
    );
    expect(old.length).toBeGreaterThanOrEqual(4);
    expect(old.every(({ wrote, waiting }) => wrote && !waiting)).toBe(true);
    const shapes = old.map(({ query }) => query.replaceAll(/\d+/g, ''));
    expect(new Set(shapes).size).toBeGreaterThanOrEqual(Math.min(8, old.length));
    expect(new Set(old.map(({ application }) => application)).size).toBe(2);
  });

  test('was scaled too far: many addresses hold few fresh sessions each, some are refused', async () => {
    await make('application-scaling');
    const rows = await troubledSessions();
    expect(utilisation(await sessions())).toBeGreaterThanOrEqual(0.9);
    await expect
      .poll(async () => count(await troubledSessions(), 'idle'), { timeout: patienceMs })
      .toBeGreaterThan(rows.length / 2);
    expect(new Set(rows.map(({ client }) => client)).size).toBeGreaterThan(5);
    const pools = await troubledPools();
    const limits = pools.map(({ limit }) => Number(limit));
    expect(Math.max(...limits)).toBeLessThan(8);
    expect(limits.reduce((sum, limit) => sum + limit, 0)).toBeGreaterThan(patient.usableSlots);
    expect(await loggedClasses()).toContain('slots-reserved');
  });

  test('has pools that are too large: few replicas hold nearly every slot idle', async () => {
    await make('pool-misconfiguration', { pool: 'too-large' });
    const rows = await troubledSessions();
    await expect
      .poll(async () => count(await troubledSessions(), 'idle'), { timeout: patienceMs })
      .toBeGreaterThan(0.75 * patient.usableSlots);
    expect(new Set(rows.map(({ client }) => client)).size).toBeLessThanOrEqual(2);
    for (const pool of await troubledPools()) expect(pool.utilisation).toBeLessThan(0.5);
  });

  test('has pools that are too small: requests time out while PostgreSQL is nearly empty', async () => {
    await make('pool-misconfiguration', { pool: 'too-small' });
    const rows = await sessions();
    expect(utilisation(rows)).toBeLessThan(0.3);
    for (const pool of await troubledPools()) expect(pool.timeouts).toBeGreaterThan(0);
    expect(await loggedClasses()).toContain('pool-timeout');
  });

  test.each(['row', 'table'] as const)(
    'contends for a %s: a pile of sessions waits behind one that does nothing',
    async (lock) => {
      await make('lock-contention', { lock });
      const rows = await troubledSessions();
      const waiting = rows.filter((row) => row.waiting);
      expect(utilisation(waiting)).toBeGreaterThan(0.6);
      const { rows: blockers } = await watcher.query<{ pid: number }>(
        'SELECT DISTINCT unnest(pg_blocking_pids(pid)) AS pid FROM unnest($1::int[]) waiter(pid)',
        [waiting.map(({ pid }) => pid)],
      );
      const waitingPids = new Set(waiting.map(({ pid }) => pid));
      const roots = blockers.filter(({ pid }) => !waitingPids.has(pid));
      expect(roots).toHaveLength(1);
      const root = rows.find(({ pid }) => pid === roots[0]?.pid);
      expect(root?.state).toBe('idle in transaction');
    },
  );

  test('is in a deploy that does not end: two images of one service hold every slot', async () => {
    await make('deploy-overlap');
    const [service = ''] = troubled();
    expect(utilisation(await sessions())).toBeGreaterThan(0.9);
    const part = await patient.services().readServices();
    const { replicas = [] } =
      (part.ok ? part.value.services : []).find(({ name }) => name === service) ?? {};
    const images = Map.groupBy(replicas, ({ imageId }) => imageId);
    expect([...images.values()].map(({ length }) => length)).toEqual(
      [replicas.length, replicas.length].map((all) => all / 2),
    );
    expect(new Set(replicas.map(({ name }) => name)).size).toBe(replicas.length);
    expect(await loggedClasses()).toContain('slots-reserved');
  });

  test('can have two troubles at once', async () => {
    await make(['connection-leak', 'lock-contention'], { leak: 'transaction', lock: 'row' });
    const rows = await troubledSessions();
    expect(utilisation(rows.filter(({ waiting }) => waiting))).toBeGreaterThan(0.3);
    expect(count(rows, 'idle in transaction') / patient.usableSlots).toBeGreaterThan(0.3);
    expect(await loggedClasses()).toContain('pool-timeout');
  });

  test('shows its processes as services, their addresses being those of its sessions', async () => {
    const part = await patient.services().readServices();
    if (!part.ok) throw new Error(part.problem.summary);
    const replicas = part.value.services.flatMap((service) => service.replicas);
    const addresses = replicas.flatMap((replica) => replica.addresses);
    const rows = await sessions();
    expect(rows.filter(({ client }) => !addresses.includes(client))).toEqual([]);
    const backends = replicas.filter(({ name }) => !name.startsWith('postgres'));
    expect(backends.map(({ state, health }) => `${state} ${health}`)).toEqual(
      backends.map(() => 'running healthy'),
    );
    expect(part.value.postgresProcesses?.clients).toBeGreaterThanOrEqual(rows.length);
    expect(part.value.postgresProcesses?.idleInTransaction).toBeGreaterThan(5);
  });

  test('a restarted replica gives its slots back and keeps the address of its metrics', async () => {
    await make('connection-leak', { leak: 'transaction' });
    const [service] = troubled();
    const [leaking] = patient.fleet.replicasOf(service ?? '');
    if (leaking === undefined) throw new Error('Nobody leaks.');
    const { localAddress } = leaking.options;
    const [urlBefore, startedBefore] = [leaking.url, leaking.startedAt];
    const outcome = await patient.services().restartReplica(leaking.id, {
      stopTimeoutSeconds: 10,
      healthyWithinMs: 30_000,
    });
    expect(outcome).toMatchObject({ result: 'healthy' });
    expect(leaking.startedAt).not.toBe(startedBefore);
    expect(leaking.url).toBe(urlBefore);
    await expect
      .poll(async () => (await sessions()).filter(({ client }) => client === localAddress).length, {
        timeout: patienceMs,
      })
      .toBe(0);
    expect(
      await patient
        .services()
        .restartReplica('unknown', { stopTimeoutSeconds: 1, healthyWithinMs: 1 }),
    ).toMatchObject({ result: 'not-restarted', problem: { kind: 'missing' } });
  });

  test('heals: only the bystander is left', async () => {
    await patient.heal();
    expect(troubled()).toEqual([]);
    const left = new Set((await sessions()).map(({ application }) => application));
    expect([...left]).toEqual(patient.target().services.map(({ name }) => name));
  });

  test('knows its roles: no application is a superuser, dbconn may use the reserved slots', async () => {
    const { rows } = await watcher.query(`
      SELECT rolname, rolsuper, pg_has_role(rolname, 'pg_use_reserved_connections', 'USAGE') AS reserved,
        pg_has_role(rolname, 'pg_monitor', 'USAGE') AS monitor
      FROM pg_roles WHERE rolname IN ('app', 'batch', 'dbconn') ORDER BY 1`);
    expect(rows).toEqual([
      { rolname: 'app', rolsuper: false, reserved: false, monitor: false },
      { rolname: 'batch', rolsuper: false, reserved: false, monitor: false },
      { rolname: 'dbconn', rolsuper: false, reserved: true, monitor: true },
    ]);
  });
});

test('the same seed gives the same names and sizes, another seed others; 13 has no reserved slots', async () => {
  const seeds = [11, 11, 12];
  const patients = await Promise.all(
    seeds.map((seed) => startPatient({ seed, major: 13, maxConnections: 20 })),
  );
  try {
    expect(patients.map(({ usableSlots }) => usableSlots)).toEqual([17, 17, 17]);
    const stories = await Promise.all(
      patients.map((each) => each.trouble('pool-misconfiguration')),
    );
    expect(stories[1]).toEqual(stories[0]);
    expect(stories[2]).not.toEqual(stories[0]);
  } finally {
    await Promise.all(patients.map((each) => each.close()));
  }
});

test('a closed patient leaves no process and no file', async () => {
  const ill = await startPatient({ seed: 3, maxConnections: 20 });
  await ill.trouble('slow-queries');
  const pids = ill.fleet.replicas.map(({ pid }) => pid ?? 0);
  pids.push(ill.cluster.postmasterPid());
  expect(pids.every((pid) => isAlive(pid))).toBe(true);
  await ill.close();
  expect(pids.filter((pid) => isAlive(pid))).toEqual([]);
  expect(existsSync(ill.cluster.directory)).toBe(false);
});

function isAlive(pid: number): boolean {
  return existsSync(`/proc/${pid}`);
}

function replicasOf(rows: readonly Row[]): number {
  return new Set(rows.map(({ client }) => client)).size;
}

function spread(rows: readonly Row[]): number {
  const ages = rows.map(({ connectedMs }) => connectedMs);
  return Math.max(...ages) - Math.min(...ages);
}
