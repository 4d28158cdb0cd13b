import { Client } from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { majors } from '../support/breadth.ts';
import { until } from '../support/until.ts';
import { startCluster } from '../support/clusters.ts';
import type { Cluster } from '../../sandbox/patient/cluster.ts';
import { createIdleSessions } from '../../src/postgres/privileged/idle-sessions.ts';

import type { SessionIdentity } from '../../src/runbook/remedies/plan.ts';
import { heldLease } from '../support/held-lease.ts';
import type { TerminateGuard } from '../../src/runbook/diagnose/protected-sessions.ts';
import type {
  Candidate,
  CandidateQuery,
} from '../../src/runbook/remedies/a-terminate-idle/ports.ts';
import { runSql } from '../support/sql.ts';
import { openClient } from '../support/sql.ts';

const guard: TerminateGuard = {
  idleForMs: 50,
  protectedApplications: ['migrations'],
  poolerApplications: ['pgbouncer'],
  applicationRoles: [],
};
const idleInTransaction: CandidateQuery = {
  states: ['idle in transaction', 'idle in transaction (aborted)'],
  idleForMs: 50,
  application: null,
  guard,
};

describe.for(majors)('PostgreSQL %i', (major) => {
  let cluster: Cluster;
  const open = new Set<Client>();

  beforeAll(async () => {
    cluster = await startCluster({
      major,
      settings: { max_connections: 60, log_disconnections: 'on', wal_level: 'logical' },
    });
    const admin = await connect('postgres', 'setup');
    await admin.query('CREATE TABLE work (id int PRIMARY KEY, note text)');
    await admin.query('GRANT ALL ON work TO PUBLIC');
    for (const role of ['app', 'looker', 'blind', 'owner SUPERUSER', 'cdc REPLICATION']) {
      await admin.query(`CREATE ROLE ${role} LOGIN`);
    }
    await admin.query('CREATE ROLE acting LOGIN; GRANT pg_monitor, pg_signal_backend TO acting');
    await admin.query('GRANT pg_monitor TO looker');
  });

  afterEach(async () => {
    await Promise.all([...open].map((client) => client.end().catch(() => undefined)));
    open.clear();
    await until('all sessions of the test are gone', async () => {
      const left = await runSql(
        cluster.url(),
        `SELECT application_name FROM pg_stat_activity
          WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()`,
      );
      return left.length === 0;
    });
  });

  afterAll(() => cluster.close());

  async function connect(user: string, application: string): Promise<Client> {
    const client = await openClient(cluster.url(user), application); // ended by the test
    open.add(client);
    return client;
  }

  async function leak(user = 'app', application = 'backend'): Promise<Client> {
    const client = await connect(user, application);
    await client.query('BEGIN');
    await client.query('SELECT 1');
    return client;
  }

  const privileged = (user = 'acting'): ReturnType<typeof createIdleSessions> =>
    createIdleSessions({ url: cluster.url(user) });

  async function candidates(query = idleInTransaction, user = 'acting'): Promise<Candidate[]> {
    const found = await privileged(user).act((session) => session.readTerminateCandidates(query));
    return [...found.sessions];
  }

  /** Waits until that many sessions rest for longer than the threshold. */
  async function candidatesOf(n: number, query = idleInTransaction): Promise<Candidate[]> {
    let found: Candidate[] = [];
    await until('it is seen', async () => {
      found = await candidates(query);
      return found.length === n;
    });
    return found;
  }

  async function terminate(
    identities: readonly SessionIdentity[],
    { user = 'acting', using = guard } = {},
  ): Promise<Record<number, string>> {
    const outcomes = await privileged(user).act((session) =>
      session.terminateSessions(identities, { guard: using, lease: heldLease }),
    );
    return Object.fromEntries(outcomes.map(({ pid, outcome }) => [pid, outcome]));
  }

  async function one(query = idleInTransaction): Promise<SessionIdentity> {
    const [found] = await candidatesOf(1, query);
    if (found === undefined) throw new Error('nobody there');
    return found.identity;
  }

  async function isAlive(client: Client): Promise<boolean> {
    return client.query('SELECT 1').then(
      () => true,
      () => false,
    );
  }

  test('a session idle in transaction is ended, an aborted one too, and both are gone at the second look', async () => {
    await leak();
    const aborted = await leak();
    await expect(aborted.query('SELECT 1 / 0')).rejects.toThrow('division by zero');
    const found = (await candidatesOf(2)).map(({ identity }) => identity);
    expect(found.map(({ state }) => state).toSorted()).toEqual([
      'idle in transaction',
      'idle in transaction (aborted)',
    ]);
    expect(Object.values(await terminate(found))).toEqual(['signalled', 'signalled']);
    await until('it is seen', async () => {
      const left = await privileged().act((session) => session.readRemainingSessions(found));
      return left.length === 0;
    });
  });

  test('the plan shows who has written, what is locked, and no literal of the statement', async () => {
    const client = await leak();
    await client.query(`INSERT INTO work VALUES (1, 'secret of the customer')`);
    const [found] = await candidatesOf(1);
    expect(found).toMatchObject({ hasWritten: true, database: 'postgres', client: '127.0.0.1' });
    expect(found?.locksHeld).toBeGreaterThan(0);
    expect(found?.query).toContain('INSERT INTO work');
    expect(found?.query).not.toContain('secret');
  });

  test('another session with the pid of an approved one is never ended', async () => {
    const client = await leak();
    const identity = await one();
    const startedAt = shift(identity.startedAt);
    expect(await terminate([{ ...identity, startedAt }])).toEqual({
      [identity.pid]: 'already gone',
    });
    const left = await privileged().act((s) =>
      s.readRemainingSessions([{ ...identity, startedAt }]),
    );
    expect(left).toEqual([]);
    expect(await isAlive(client)).toBe(true);
  });

  test('a session that worked since the look and is idle in its transaction again has moved on', async () => {
    const client = await leak();
    const identity = await one();
    await client.query('SELECT 2');
    await one();
    expect(await terminate([identity])).toEqual({ [identity.pid]: 'moved on' });
    expect(await isAlive(client)).toBe(true);
  });

  test('a session that began another transaction, or renamed itself, has moved on', async () => {
    const client = await leak();
    const identity = await one();
    const others: Partial<SessionIdentity>[] = [
      { transactionStartedAt: shift(identity.transactionStartedAt ?? '') },
      { transactionStartedAt: null },
      { stateChangedAt: shift(identity.stateChangedAt) },
      { application: 'another' },
      { user: 'looker' },
      { state: 'idle' },
    ];
    for (const other of others) {
      expect(await terminate([{ ...identity, ...other }])).toEqual({
        [identity.pid]: 'moved on',
      });
    }
    expect(await isAlive(client)).toBe(true);
  });

  test('an idle session that served a request and is idle again has moved on', async () => {
    const query: CandidateQuery = { ...idleInTransaction, states: ['idle'], application: 'pool' };
    const client = await connect('app', 'pool');
    await client.query('SELECT 1');
    const identity = await one(query);
    await client.query('SELECT 1');
    await one(query);
    expect(await terminate([identity])).toEqual({ [identity.pid]: 'moved on' });
    const again = await one(query);
    expect(await terminate([again])).toEqual({ [identity.pid]: 'signalled' });
    await until('it is seen', async () => !(await isAlive(client)));
  });

  test('a session younger than the threshold is not ended, even if everything else agrees', async () => {
    const client = await leak();
    const identity = await one();
    const using = { ...guard, idleForMs: 3_600_000 };
    expect(await terminate([identity], { using })).toEqual({ [identity.pid]: 'moved on' });
    expect(await isAlive(client)).toBe(true);
  });

  test('a superuser among the targets is refused, and the others are ended all the same', async () => {
    const superuser = await leak('owner');
    await leak();
    await leak();
    const found = await candidatesOf(3);
    const reasons = found.map(({ identity, skipped }) => `${identity.user}: ${String(skipped)}`);
    expect(reasons.toSorted()).toEqual(['app: null', 'app: null', 'owner: superuser']);
    const outcomes = await terminate(found.map(({ identity }) => identity));
    expect(Object.values(outcomes).toSorted()).toEqual(['signalled', 'signalled', 'superuser']);
    expect(await isAlive(superuser)).toBe(true);
  });

  test("a superuser role that is the application's own is ended only by an acting superuser", async () => {
    await leak('owner');
    const identity = await one();
    const using = { ...guard, applicationRoles: ['owner'] };
    expect(await terminate([identity], { using })).toEqual({ [identity.pid]: 'superuser' });
    expect(await terminate([identity], { user: 'postgres' })).toEqual({
      [identity.pid]: 'superuser',
    });
    expect(await terminate([identity], { user: 'postgres', using })).toEqual({
      [identity.pid]: 'signalled',
    });
  });

  test('migrations, poolers, replicating roles and dbconn itself are skipped by the plan and by the signal', async () => {
    await leak('app', 'migrations');
    await leak('app', 'PgBouncer');
    await leak('cdc', 'debezium');
    await leak('acting', 'dbconn');
    const found = await candidatesOf(4);
    const expected = ['own', 'pooler', 'protected application', 'replication'];
    expect(found.map(({ skipped }) => String(skipped)).toSorted()).toEqual(expected);
    const outcomes = await terminate(found.map(({ identity }) => identity));
    expect(Object.values(outcomes).toSorted()).toEqual(expected);
  });

  test('a walsender is never a target', async () => {
    const walsender = new Client({
      connectionString: `${cluster.url()}?replication=database`,
      application_name: 'standby',
    });
    walsender.on('error', () => undefined);
    await walsender.connect();
    open.add(walsender);
    const query: CandidateQuery = { ...idleInTransaction, states: ['idle', 'idle in transaction'] };
    await walsender.query('IDENTIFY_SYSTEM');
    const [found] = await candidatesOf(1, { ...query, application: 'standby' });
    expect(found?.skipped).toBe('not a client');
    const pid = found?.identity.pid ?? 0;
    expect(await terminate(found === undefined ? [] : [found.identity])).toEqual({
      [pid]: 'not a client',
    });
  });

  test('a role that may look but not signal refuses without an error', async () => {
    const client = await leak();
    const identity = await one();
    expect(await terminate([identity], { user: 'looker' })).toEqual({
      [identity.pid]: 'no privilege',
    });
    expect(await isAlive(client)).toBe(true);
  });

  test('a role that may not look says how much is hidden and ends nothing', async () => {
    const client = await leak();
    const identity = await one();
    const found = await privileged('blind').act((s) =>
      s.readTerminateCandidates(idleInTransaction),
    );
    expect(found).toMatchObject({ sessions: [], role: 'blind' });
    expect(found.hidden).toBeGreaterThan(0);
    expect(await terminate([identity], { user: 'blind' })).toEqual({ [identity.pid]: 'hidden' });
    expect(await isAlive(client)).toBe(true);
  });

  /** Lets the second of two sessions work as soon as the first was signalled, and tells what became of it. */
  async function raceWithTheStatement(): Promise<{ outcome: string | undefined; works: boolean }> {
    const [first, last] = [await leak(), await leak()];
    const lastPid = await pidOf(last);
    const found = (await candidatesOf(2)).map(({ identity }) => identity);
    const tail = found.find(({ pid }) => pid === lastPid);
    const head = found.find(({ pid }) => pid !== lastPid);
    if (head === undefined || tail === undefined) throw new Error('two leaks are two candidates');
    // No such processes: dismissing them takes the statement long enough for the last one to work meanwhile.
    const between = Array.from({ length: 20_000 }, (_, i) => ({ ...head, pid: 10_000_000 + i }));
    const ended = new Promise((resolve) => first.once('end', resolve));
    const outcomes = terminate([head, ...between, tail]);
    await ended;
    const works = await isAlive(last);
    const outcome = (await outcomes)[tail.pid];
    await last.end().catch(() => undefined);
    return { outcome, works };
  }

  test('a session that works after the one before it was signalled by the same statement is skipped', async () => {
    // On a busy machine the statement may be over before this process hears of the first end: then it is run again.
    let race = await raceWithTheStatement();
    for (let more = 9; more > 0 && race.outcome === 'signalled'; more -= 1) {
      await until('it is seen', async () => (await candidates()).length === 0);
      race = await raceWithTheStatement();
    }
    expect(race).toEqual({ outcome: 'moved on', works: true });
  });

  test('a session that ended meanwhile is reported as gone', async () => {
    const client = await leak();
    const identity = await one();
    await client.end();
    await until('it is seen', async () => (await candidates()).length === 0);
    expect(await terminate([identity])).toEqual({ [identity.pid]: 'already gone' });
  });
});

async function pidOf(client: Client): Promise<number> {
  const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  return rows[0]?.pid ?? -1;
}

/** The same moment, one microsecond later. */
function shift(text: string): string {
  return text.replace(/(\d{6})Z$/, (_, micros: string) => {
    const next = (Number(micros) + 1) % 1_000_000;
    return `${String(next).padStart(6, '0')}Z`;
  });
}
