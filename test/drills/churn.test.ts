import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { majors } from '../support/breadth.ts';
import { startCluster } from '../support/clusters.ts';
import type { Cluster } from '../../sandbox/patient/cluster.ts';
import type { App } from '../../src/app/deps.ts';
import type { StoredJournal } from '../../src/journal/stored-journal.ts';
import type { Approvals } from '../../src/runbook/approvals/approvals.ts';
import type { ApprovalRequest } from '../../src/runbook/approvals/request.ts';
import type { RemedyRequest } from '../../src/runbook/remedies/remedy-request.ts';
import { defaultLimits } from '../../src/runbook/snapshot/target.ts';
import { makeJournalFolder } from '../journal/temporary-journal.ts';
import type { JournalFolder } from '../journal/temporary-journal.ts';
import { ann, bob } from '../runbook/approvals/builders.ts';
import { aTarget } from '../runbook/diagnose/builders.ts';
import { configOf } from '../support/config-of.ts';
import { openApprovals } from '../support/open-approvals.ts';
import { Sessions } from '../support/sessions.ts';
import type { Session } from '../support/sessions.ts';
import { until } from '../support/until.ts';
import { startCrowd } from './support/crowd.ts';
import type { Crowd } from './support/crowd.ts';

const leaked: RemedyRequest = {
  kind: 'idle-in-transaction',
  application: 'backend',
  idleForMs: 300,
};
const stopBlockers: RemedyRequest = { kind: 'stop-blockers' };

describe.for(majors)('PostgreSQL %i', (major) => {
  let cluster: Cluster;
  let sessions: Sessions;
  let folder: JournalFolder;
  let journal: StoredJournal;
  let app: App;
  let approvals: Approvals;
  const crowds: Crowd[] = [];
  let faults: readonly unknown[];

  beforeEach(async () => {
    cluster = await startCluster({
      major,
      settings: {
        max_connections: 250,
        log_connections: 'on',
        log_disconnections: 'on',
        log_line_prefix: '%p %c ',
      },
    });
    sessions = new Sessions(cluster);
    for (const sql of [
      'CREATE ROLE app LOGIN; CREATE ROLE acting LOGIN',
      'GRANT pg_monitor, pg_signal_backend TO acting',
      'CREATE TABLE orders (id int PRIMARY KEY, n int); CREATE TABLE items (id int)',
      'INSERT INTO orders SELECT i, 0 FROM generate_series(1, 200) i',
      'ALTER TABLE orders OWNER TO app; ALTER TABLE items OWNER TO app',
    ]) {
      await sessions.ask(sql);
    }
    folder = makeJournalFolder();
    const url = cluster.url('acting');
    ({ app, approvals, faults } = await openApprovals(
      configOf({
        journal: folder.file,
        targets: [aTarget({ canAct: true, limits: { ...defaultLimits, lockWaitMs: 200 } })],
        database: { url, actingUrl: url },
        rule: { approve: [ann.id, bob.id] },
        // In a crowd most of what blocks for a moment is gone when it is held against reality.
        approval: { leastLeft: 0.1 },
        verifyAfterMs: 50,
      }),
    ));
    journal = await app.journal();
  });

  afterEach(async () => {
    await Promise.all(crowds.splice(0).map((crowd) => crowd.stop()));
    await app.close();
    await sessions.close();
    folder.close();
    await cluster.close();
  });

  /** Proposes, lets the world go on, has it approved by somebody else, and returns its end. */
  async function change(
    ask: RemedyRequest,
    meanwhile: () => Promise<void>,
  ): Promise<ApprovalRequest> {
    const proposed = await approvals.propose({ target: 'shop', ask, actor: ann });
    if (!proposed.ok) throw new Error(proposed.refusal.why);
    await meanwhile();
    const { id } = proposed.value;
    expect(await approvals.approve(id, bob)).toMatchObject({ ok: true });
    await approvals.settled(id);
    const stored = await journal.read(id);
    if (stored?.result == null) throw new Error(stored?.closing?.sentence ?? 'It did not end.');
    return stored;
  }

  function crowd(
    application: string,
    customers: number,
    statements: (turn: number) => string[],
  ): Crowd {
    const started = startCrowd({
      url: cluster.url('app'),
      application,
      customers,
      work: async (client, turn) => {
        for (const statement of statements(turn)) await client.query(statement);
        if (turn % 3 === 0) await sleep(turn % 20);
      },
    });
    crowds.push(started);
    return started;
  }

  async function leak(application = 'backend'): Promise<Session> {
    const session = await sessions.open({ user: 'app', application });
    await session.run('BEGIN', 'SELECT count(*) FROM items');
    return session;
  }

  /** `%c` of the sessions whose log says so: who they are for the server. */
  async function logged(message: string): Promise<string[]> {
    const line = new RegExp(`^\\d+ (\\S+) (?:FATAL|ERROR|LOG): +${message}`, 'gm');
    return [...(await cluster.log()).matchAll(line)].map(([, id]) => id ?? '').toSorted();
  }

  async function untilLongWaits(n: number): Promise<void> {
    await until(`${n} long waits`, async () => {
      const waiting = await sessions.ask(
        `SELECT FROM pg_stat_activity
          WHERE wait_event_type = 'Lock' AND query_start < clock_timestamp() - interval '250 ms'`,
      );
      return waiting.length >= n;
    });
  }

  test('among hundreds of sessions that come and go, only those that were approved are ended or cancelled', async () => {
    const customers = crowd('backend', 6, (turn) => [
      'BEGIN',
      `UPDATE orders SET n = n + 1 WHERE id = ${100 + (turn % 7)}`,
      'SELECT pg_sleep(0.005)',
      'COMMIT',
    ]);
    const leaks = await Promise.all(Array.from({ length: 60 }, () => leak()));
    await sleep(350);
    const restless = leaks.slice(0, 15);
    const leaving = leaks.slice(15, 25);
    const busy: Busy[] = [];
    const ended = await change(leaked, async () => {
      await Promise.all(restless.map((session) => session.run('SELECT 1')));
      busy.push(...restless.map((session) => keepWorking(session)));
      await Promise.all(leaving.map(({ client }) => client.end()));
      await Promise.all(leaving.map(() => leak()));
      const seen = customers.count();
      await until('sixty more', () => Promise.resolve(customers.count() > seen + 60));
    });
    const holder = await leak('orders');
    await holder.run('UPDATE orders SET n = 0 WHERE id = 1');
    const reader = await leak('reports');
    const worker = await leak('batch');
    await worker.run('UPDATE orders SET n = 0 WHERE id = 2');
    worker.begin('SELECT pg_sleep(600)');
    const ddl = await sessions.open({ user: 'app', application: 'deploy' });
    ddl.begin('ALTER TABLE items ADD COLUMN IF NOT EXISTS note text');
    await untilLongWaits(1);
    const patientOnes = await sessions.openMany(20, { user: 'app', application: 'checkout' });
    for (const [index, session] of patientOnes.entries()) {
      const row = index % 4 === 0 ? 2 : 1;
      session.begin(
        index % 3 === 0
          ? 'SELECT count(*) FROM items'
          : `UPDATE orders SET n = n + 1 WHERE id = ${row}`,
      );
    }
    crowd('checkout', 5, (turn) => [
      `SET lock_timeout = '${100 + (turn % 5) * 100}ms'`,
      turn % 2 === 0 ? 'SELECT count(*) FROM items' : 'UPDATE orders SET n = n + 1 WHERE id = 1',
    ]);
    await untilLongWaits(15);
    const stopped = await change(stopBlockers, async () => {
      const seen = customers.count();
      await until('sixty more', () => Promise.resolve(customers.count() > seen + 60));
    });
    await until('nobody waits for long', async () => {
      const waiting = await sessions.ask(
        `SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND application_name = 'checkout'
            AND query_start < clock_timestamp() - interval '1 s'`,
      );
      return waiting.length === 0;
    });
    expect(await Promise.all(busy.map((one) => one.stop()))).toEqual(busy.map(() => 'lives'));

    expect(outcomes(ended)).toMatchObject({ ended: 35 });
    expect(idsOf(stopped, ['ended'])).toEqual([sessionId(identityOf(stopped, holder.pid))]);
    expect(idsOf(stopped, ['cancelled'])).toEqual(
      [ddl, worker].map(({ pid }) => sessionId(identityOf(stopped, pid))).toSorted(),
    );
    const expected = [...idsOf(ended, ['ended']), ...idsOf(stopped, ['ended'])].toSorted();
    expect(await logged('terminating connection due to administrator command')).toEqual(expected);
    expect(await logged('canceling statement due to user request')).toEqual(
      idsOf(stopped, ['cancelled']),
    );
    expect((await logged('disconnection: session time')).length).toBeGreaterThan(200);
    await reader.run('SELECT 1');
    expect(faults).toEqual([]);
    expect(await journal.verify()).toMatchObject({ ok: true });
  });
});

interface Busy {
  /** Lets it rest; tells how it fared. */
  readonly stop: () => Promise<'lives' | 'was ended'>;
}

/** A session that is idle in its transaction most of the time, and not for long. */
function keepWorking(session: Session): Busy {
  const over = new AbortController();
  const work = async (): Promise<void> => {
    while (!over.signal.aborted) {
      await session.run('SELECT 1');
      await sleep(5);
    }
  };
  const fate = work().then(
    () => 'lives' as const,
    () => 'was ended' as const,
  );
  return {
    stop() {
      over.abort();
      return fate;
    },
  };
}

/** Where the server's `%c` comes from: the session's start in seconds and its pid. */
function sessionId({ pid, startedAt }: { pid: number; startedAt: string }): string {
  return `${Math.floor(Date.parse(startedAt) / 1000).toString(16)}.${pid.toString(16)}`;
}

function identityOf({ plan }: ApprovalRequest, wanted: number): { pid: number; startedAt: string } {
  for (const target of plan.targets) {
    if (target.kind !== 'session' && target.kind !== 'blocker') continue;
    if (target.identity.pid === wanted) return target.identity;
  }
  throw new Error(`pid ${wanted} was not planned.`);
}

/** The approved identities of which the journal says so. */
function idsOf(request: ApprovalRequest, words: readonly string[]): string[] {
  const items = request.result?.report.items ?? [];
  return items
    .filter(({ outcome }) => words.includes(outcome))
    .map(({ what }) => sessionId(identityOf(request, Number(what.replace('pid ', '')))))
    .toSorted();
}

function outcomes({ result }: ApprovalRequest): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { outcome } of result?.report.items ?? []) {
    counts[outcome] = (counts[outcome] ?? 0) + 1;
  }
  return counts;
}
