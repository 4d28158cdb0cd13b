import { Client } from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { majors } from '../../support/breadth.ts';
import { startCluster } from '../../support/clusters.ts';
import type { Cluster } from '../../../sandbox/patient/cluster.ts';
import { systemClock } from '../../../src/timing.ts';
import { createIdleSessions } from '../../../src/postgres/privileged/idle-sessions.ts';
import type { Plan } from '../../../src/runbook/remedies/plan.ts';
import { createOptionA } from '../../../src/runbook/remedies/a-terminate-idle/terminate-idle.ts';
import type { Answer, Remedy, RunControl } from '../../../src/runbook/remedies/remedy.ts';
import { aTarget } from '../diagnose/builders.ts';
import { until } from '../../support/until.ts';
import { heldLease } from '../../support/held-lease.ts';

const quiet: RunControl = {
  isStopped: () => Promise.resolve(false),
  intend: () => Promise.resolve(),
  record: () => Promise.resolve(),
  lease: heldLease,
  progress: () => undefined,
};

describe.for(majors)('PostgreSQL %i', (major) => {
  let cluster: Cluster;
  const open = new Set<Client>();

  beforeAll(async () => {
    cluster = await startCluster({
      major,
      settings: { max_connections: 150, log_connections: 'on', log_line_prefix: '[%p] ' },
    });
    const admin = await connect('setup', 'postgres');
    await admin.query('CREATE ROLE app LOGIN; CREATE ROLE acting LOGIN; CREATE TABLE work (n int)');
    await admin.query('GRANT ALL ON work TO app; GRANT pg_monitor, pg_signal_backend TO acting');
  });

  afterEach(async () => {
    await Promise.all([...open].map((client) => client.end().catch(() => undefined)));
    open.clear();
  });

  afterAll(() => cluster.close());

  async function connect(application: string, user = 'app'): Promise<Client> {
    const client = new Client({
      connectionString: cluster.url(user),
      application_name: application,
    });
    client.on('error', () => undefined); // it may be ended
    await client.connect();
    open.add(client);
    return client;
  }

  async function leak(application = 'backend'): Promise<number> {
    const client = await connect(application);
    await client.query('BEGIN; INSERT INTO work VALUES (1)');
    return pidOf(client);
  }

  const remedy = (user = 'acting'): Remedy =>
    createOptionA({
      privileged: createIdleSessions({ url: cluster.url(user) }),
      clock: systemClock,
      target: aTarget({ protectedApplications: ['migrations'] }),
    });

  async function plan(idleForMs: number): Promise<Plan> {
    const draft = valueOf(await remedy().propose({ kind: 'idle-in-transaction', idleForMs }));
    return { ...draft, policyVersion: '', plannedAt: new Date().toISOString() };
  }

  test('the plan tells what is lost, what is skipped and why, and what it frees', async () => {
    await leak();
    await leak();
    await leak('migrations');
    await systemClock.sleep(60);
    const approved = await plan(50);
    expect(approved.cost[0]).toMatch(
      /^2 transactions are rolled back, the oldest open for \d+ s\.$/,
    );
    expect(approved.cost.slice(1)).toEqual([
      '2 of them wrote data: that work is lost.',
      '4 locks released.',
    ]);
    expect(approved).toMatchObject({
      title: 'End 2 sessions idle in transaction for over 0 s',
      skippedTotal: 1,
      skipped: [{ label: 'migrations', reason: 'a protected application' }],
      frees: { slots: 2 },
      risk: 'medium',
    });
  });

  test('when all that would match is skipped, or nothing matches, there is nothing to propose', async () => {
    await leak('migrations');
    await systemClock.sleep(60);
    const skipped = await remedy().propose({ kind: 'idle-in-transaction', idleForMs: 50 });
    expect(skipped).toMatchObject({ ok: false, refusal: { kind: 'nothing-to-do' } });
    const ask = { kind: 'idle', application: 'nobody', idleForMs: 1 } as const;
    expect(await remedy().propose(ask)).toMatchObject({ refusal: { kind: 'nothing-to-do' } });
  });

  test('a role that cannot see gets the grant to run, and no plan', async () => {
    await leak();
    const answer = await remedy('app').propose({ kind: 'idle-in-transaction', idleForMs: 1 });
    // A role always sees its own sessions, and never anybody else's.
    await connect('other', 'postgres');
    const hidden = await remedy('app').propose({ kind: 'idle-in-transaction', idleForMs: 1 });
    expect(answer.ok).toBe(true);
    expect(hidden).toMatchObject({
      refusal: { kind: 'privilege', next: 'GRANT pg_monitor TO "app";' },
    });
  });

  test('a stop between two batches leaves the rest alone and says so', async () => {
    const pids = await Promise.all(Array.from({ length: 60 }, () => leak()));
    await systemClock.sleep(60);
    const approved = await plan(50);
    let steps = 0;
    const control: RunControl = {
      ...quiet,
      isStopped: () => Promise.resolve(steps > 0),
      record: () => Promise.resolve(void (steps += 1)),
    };
    const report = await remedy().run(approved, approved.targets, control);
    expect(report).toMatchObject({
      finished: false,
      summary: 'Stopped before the end. Of 60 sessions: 50 ended, 10 not reached.',
    });
    expect(await countAlive(pids)).toBe(10);
    const check = await remedy().recover(
      { plan: approved, since: approved.plannedAt, steps: [] },
      quiet,
    );
    expect(check.summary).toBe('A check found 50 of 60 sessions gone, 10 still there.');
  });

  test('while hundreds of sessions come and go, exactly the approved ones are ended', async () => {
    const leaked = await Promise.all(Array.from({ length: 30 }, () => leak()));
    const wakers = await Promise.all(Array.from({ length: 30 }, () => startWaker()));
    await systemClock.sleep(400);
    const approved = await plan(200);
    const { length: logged } = await cluster.log();
    const plannedAt = performance.now();
    const visitors = Array.from({ length: 8 }, () => startVisitor(cluster.url('app')));
    const visits = (): number => visitors.reduce((sum, visitor) => sum + visitor.sessions(), 0);
    await until('150 visits', () => Promise.resolve(visits() >= 150));
    await until('eight have worked since', () =>
      Promise.resolve(wakers.filter((waker) => waker.workedAt() > plannedAt).length >= 8),
    );
    // Whoever works from now on may do so between the check and its signal, which no test can tell from before.
    const workedSince = wakers.filter((waker) => waker.workedAt() > plannedAt);
    // All of the plan, not only what a recheck would leave of it: the signal itself must tell them apart.
    const report = await remedy().run(approved, approved.targets, quiet);
    const soFar = visits();
    await until('fifty more', () => Promise.resolve(visits() >= soFar + 50));
    const errors = await Promise.all(visitors.map((visitor) => visitor.stop()));
    await Promise.all(wakers.map((waker) => waker.stop()));

    const ended = new Set(
      report.items.filter(({ outcome }) => outcome === 'ended').map(({ what }) => what),
    );
    const told = pidsToldToEnd((await cluster.log()).slice(logged));
    expect(new Set(told.map((pid) => `pid ${pid}`))).toEqual(ended);
    expect(leaked.filter((pid) => !told.includes(pid))).toEqual([]);
    expect(errors.flat()).toEqual([]);
    // Whoever worked after the plan was made was in use, and must have been skipped.
    expect(workedSince.filter(({ pid }) => told.includes(pid))).toEqual([]);
  });

  /** A session that is idle in its transaction and works again at odd moments. */
  async function startWaker(): Promise<Waker> {
    const client = await connect('backend');
    await client.query('BEGIN');
    const pid = await pidOf(client);
    let workedAt = 0;
    const end = new AbortController();
    const live = async (): Promise<void> => {
      for (;;) {
        await systemClock.sleep(300 + Math.random() * 1500);
        if (end.signal.aborted) return;
        const beganAt = performance.now();
        await client.query('SELECT 1');
        workedAt = beganAt;
      }
    };
    const lived = live().catch(() => undefined); // told to end: the server's log says so
    return {
      pid,
      workedAt: () => workedAt,
      async stop() {
        end.abort();
        await lived;
      },
    };
  }

  async function countAlive(pids: readonly number[]): Promise<number> {
    const admin = await connect('setup', 'postgres');
    const sql = 'SELECT count(*)::int AS n FROM pg_stat_activity WHERE pid = ANY ($1)';
    const { rows } = await admin.query<{ n: number }>(sql, [pids]);
    return rows[0]?.n ?? -1;
  }
});

interface Waker {
  readonly pid: number;
  /** When its last statement that came back was sent, by performance.now(). */
  workedAt(): number;
  stop(): Promise<void>;
}

interface Visitor {
  sessions(): number;
  /** Resolves to what went wrong in its sessions. */
  stop(): Promise<readonly unknown[]>;
}

async function pidOf(client: Client): Promise<number> {
  const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  return rows[0]?.pid ?? -1;
}

/** Who was ended by a signal, by the server's own account. */
function pidsToldToEnd(log: string): number[] {
  const lines = log.matchAll(/^\[(\d+)\] FATAL: {2}terminating connection due to administrator/gm);
  return Array.from(lines, ([, pid]) => Number(pid));
}

/** Sessions that come, work in short transactions, rest a little in them, and go. */
function startVisitor(url: string): Visitor {
  const errors: unknown[] = [];
  let sessions = 0;
  const end = new AbortController();
  const visit = async (): Promise<void> => {
    const client = new Client({ connectionString: url, application_name: 'backend' });
    client.on('error', (error) => void errors.push(error));
    await client.connect();
    sessions += 1;
    await client.query('BEGIN');
    await client.query('SELECT 1');
    await systemClock.sleep(Math.random() * 10);
    await client.query('COMMIT');
    await client.end();
  };
  const live = async (): Promise<void> => {
    while (!end.signal.aborted) await visit();
  };
  const lived = live().catch((error: unknown) => void errors.push(error));
  return {
    sessions: () => sessions,
    async stop() {
      end.abort();
      await lived;
      return errors;
    },
  };
}

function valueOf<T>(answer: Answer<T>): T {
  if (!answer.ok) throw new Error(answer.refusal.why);
  return answer.value;
}
