import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { majors } from '../../support/breadth.ts';
import type { RunControl } from '../../../src/runbook/remedies/remedy.ts';
import { blockersOf } from '../../../src/runbook/remedies/d-stop-blockers/same-blocker.ts';
import { defaultLimits } from '../../../src/runbook/snapshot/target.ts';
import { until } from '../../support/until.ts';
import { aTarget } from '../diagnose/builders.ts';
import type { Session } from '../../support/sessions.ts';
import { isAlive, limits, PileUp, quiet, recording, update, whyOf } from './pile-up.ts';

const stopBlockers = { kind: 'stop-blockers' } as const;

describe.for(majors)('PostgreSQL %i', (major) => {
  let pile: PileUp;
  beforeAll(async () => {
    pile = await PileUp.start(major);
  });
  afterEach(() => pile.clear());
  afterAll(() => pile.close());

  test('fifty updaters behind a transaction left open: its session is terminated at once, and all fifty go on', async () => {
    const holder = await pile.holds(update(1));
    await pile.waitMany(update(1), 50);
    const plan = await pile.propose();
    expect(plan).toMatchObject({
      title: 'Stop 1 blocker of 50 waiting sessions',
      targets: [{ identity: { pid: holder.pid }, how: 'terminate', victims: 50, hasWritten: true }],
      risk: 'high',
      frees: { slots: 1 },
      steps: [
        `End pid ${holder.pid}, idle in transaction (a cancel has no effect)`,
        'Check whether the waiting sessions continue',
      ],
    });
    expect(plan.cost[0]).toMatch(
      /^pid \d+ \(a transaction open for \d+ s, \d+ locks, 50 sessions behind it\): its application loses the connection\. Its uncommitted writes are lost\.$/,
    );
    expect(await pile.run(plan)).toMatchObject({
      items: [{ what: `pid ${holder.pid}`, outcome: 'ended' }],
      summary: 'Of 1 session: 1 ended. 50 sessions waited before, 0 after.',
      finished: true,
    });
    await pile.untilNobodyWaits();
  });

  test('readers behind queued DDL go on when the DDL is cancelled, and its holder is not touched', async () => {
    const holder = await pile.holds('SELECT * FROM work');
    const ddl = await pile.waits('ALTER TABLE work ADD COLUMN IF NOT EXISTS extra int');
    await pile.waitMany('SELECT count(*) FROM work', 20);
    const plan = await pile.propose();
    expect(plan).toMatchObject({
      targets: [{ identity: { pid: ddl.pid }, how: 'cancel', queued: true, victims: 20 }],
      risk: 'low',
      skipped: [
        {
          what: `pid ${holder.pid}`,
          reason: 'it blocks nobody once the queued statement is cancelled',
        },
      ],
      cost: [`pid ${ddl.pid}: its statement fails. Run it again with a lock_timeout.`],
    });
    expect(plan.steps[0]).toBe(
      `Cancel the queued statement of pid ${ddl.pid}: 20 sessions behind it can continue at once`,
    );
    expect(await pile.run(plan)).toMatchObject({
      items: [{ what: `pid ${ddl.pid}`, outcome: 'cancelled' }],
      summary: 'Of 1 session: 1 cancelled. 21 sessions waited before, 0 after.',
    });
    await holder.run('COMMIT');
    expect(await isAlive(ddl)).toBe(true);
  });

  test('the queued DDL goes first, and then the blocker that still holds up somebody', async () => {
    const holder = await pile.holds(update(1));
    await pile.waits(update(1));
    const ddl = await pile.waits('ALTER TABLE work ADD COLUMN IF NOT EXISTS extra int');
    await pile.waitMany('SELECT count(*) FROM work', 3);
    const plan = await pile.propose();
    expect(plan.targets).toMatchObject([
      { identity: { pid: ddl.pid }, how: 'cancel', victims: 3 },
      { identity: { pid: holder.pid }, how: 'terminate', victims: 1 },
    ]);
    const { control, steps } = recording();
    expect((await pile.run(plan, control)).items.map(({ outcome }) => outcome)).toEqual([
      'cancelled',
      'ended',
    ]);
    expect(steps.map(({ kind, step }) => `${kind} ${step}`)).toEqual([
      'intended 0',
      'done 0',
      'intended 1',
      'done 1',
      'intended 2',
      'done 2',
    ]);
  });

  test('a queued migration that is protected stays, and then its holder is what has to go', async () => {
    const holder = await pile.holds('SELECT * FROM work');
    await pile.waits('ALTER TABLE work ADD COLUMN IF NOT EXISTS extra int', {
      application: 'migrations',
    });
    await pile.waitMany('SELECT count(*) FROM work', 3);
    const plan = await pile.propose();
    expect(plan.targets).toMatchObject([
      { identity: { pid: holder.pid }, how: 'terminate', queued: false, victims: 4 },
    ]);
    expect(plan).toMatchObject({ risk: 'medium' });
    expect(plan.cost[0]).toMatch(/It has written nothing\.$/);
    expect((await pile.run(plan)).items).toMatchObject([{ outcome: 'ended' }]);
    await pile.untilNobodyWaits();
  });

  test('a blocker at work is cancelled, and keeps its session when that frees the others', async () => {
    const holder = await pile.works(update(1));
    await pile.waitMany(update(1), 3);
    const plan = await pile.propose();
    expect(plan.targets).toMatchObject([{ how: 'cancel-then-terminate', victims: 3 }]);
    expect(plan.steps).toEqual([
      `Cancel the statement of pid ${holder.pid}`,
      `End pid ${holder.pid} if it still blocks others 60 s after the cancel`,
      'Check whether the waiting sessions continue',
    ]);
    const { control, steps } = recording();
    expect((await pile.run(plan, control)).items).toMatchObject([
      {
        outcome: 'cancelled',
        detail: 'Its statement was cancelled. None of the planned sessions waits for it any more.',
      },
    ]);
    expect(steps.filter(({ step }) => step === 1)).toMatchObject([
      { kind: 'done', sentence: `pid ${holder.pid}: not needed` },
    ]);
    await holder.run('ROLLBACK');
  });

  /** It holds row 1, catches every cancel, and goes on sleeping in its transaction. */
  async function swallowCancels(): Promise<Session> {
    const holder = await pile.holds(update(1));
    holder.begin(
      `DO $$ BEGIN LOOP BEGIN PERFORM pg_sleep(600); EXCEPTION WHEN query_canceled THEN NULL; END; END LOOP; END $$`,
    );
    await pile.untilAsleep(holder);
    await pile.waitMany(update(1), 3);
    return holder;
  }

  test('a blocker that swallows the cancel and keeps its locks is terminated', async () => {
    const holder = await swallowCancels();
    const { control, steps } = recording();
    const by = pile.remedy({ releaseWithinMs: 400 });
    const report = await pile.run(await pile.propose(stopBlockers, by), control, by);
    expect(report.items).toMatchObject([{ what: `pid ${holder.pid}`, outcome: 'ended' }]);
    expect(steps.map(({ sentence }) => sentence)).toEqual([
      `cancel pid ${holder.pid}`,
      `pid ${holder.pid}: still there`,
      `terminate pid ${holder.pid}`,
      `pid ${holder.pid}: ended`,
      'check whether the waiting sessions continue',
      '3 sessions waited before, 0 after',
    ]);
  });

  test('an emergency stop between cancel and termination leaves the session alive and says so', async () => {
    const holder = await swallowCancels();
    let isCancelled = false;
    const control: RunControl = {
      ...quiet,
      isStopped: () => Promise.resolve(isCancelled),
      record: () => Promise.resolve(void (isCancelled = true)),
    };
    const by = pile.remedy({ releaseWithinMs: 400 });
    const report = await pile.run(await pile.propose(stopBlockers, by), control, by);
    expect(report).toMatchObject({ items: [{ outcome: 'not reached' }], finished: false });
    expect(report.items[0]?.detail).toMatch(/others still wait for it\. Changes were stopped/);
    await pile.untilAsleep(holder);
  });

  test('a blocker that worked, ended its transaction or lost its waiters since the plan is left alone', async () => {
    const worked = await pile.holds(update(1));
    const ended = await pile.holds(update(2));
    const released = await pile.holds(update(3));
    await pile.waits(update(1));
    await pile.waits(update(2));
    const impatient = await pile.open();
    await impatient.run(`SET lock_timeout = '1s'`);
    impatient.begin(update(3));
    await pile.untilWaiting([impatient]);
    const plan = await pile.propose();
    expect(plan.targets).toHaveLength(3);
    await worked.run('SELECT 1');
    await ended.run('COMMIT');
    await until('the impatient one gave up', async () => {
      const waiting = await pile.sessions.ask(
        `SELECT FROM pg_stat_activity WHERE pid = $1 AND wait_event_type = 'Lock'`,
        [impatient.pid],
      );
      return waiting.length === 0;
    });
    const { left, skipped } = await pile.remedy().recheck(plan);
    expect(left).toEqual([]);
    const reasons = new Map(skipped.map(({ what, reason }) => [what, reason]));
    expect(reasons.get(`pid ${worked.pid}`)).toBe('it is running something else now');
    expect(reasons.get(`pid ${ended.pid}`)).toBe('it is running something else now');
    expect(reasons.get(`pid ${released.pid}`)).toBe(
      'none of the planned sessions waits for it any more',
    );
  });

  test('what changes between the last check and its turn is left alone by the run itself', async () => {
    const first = await pile.holds(update(1));
    const second = await pile.holds(update(2));
    const third = await pile.holds(update(3));
    for (const id of [1, 1, 1, 2, 2, 3]) await pile.waits(update(id));
    const plan = await pile.propose();
    const control: RunControl = {
      ...quiet,
      record: async ({ step }) => {
        if (step === 0) await second.run('SELECT 1');
        if (step === 1) await third.run('COMMIT');
      },
    };
    expect(await pile.run(plan, control)).toMatchObject({
      items: [
        { what: `pid ${first.pid}`, outcome: 'ended' },
        { what: `pid ${second.pid}`, outcome: 'moved on' },
        {
          what: `pid ${third.pid}`,
          outcome: 'moved on',
          detail: 'It is running something else now.',
        },
      ],
      finished: true,
    });
    expect(await isAlive(second)).toBe(true);
  });

  test('whoever came to wait since the plan is no reason to stop a blocker', async () => {
    const holder = await pile.holds(update(1));
    const [approved] = await pile.waitMany(update(1), 1);
    const plan = await pile.propose();
    expect(plan.targets).toMatchObject([{ waiters: [{ pid: approved?.pid }] }]);
    await pile.sessions.ask('SELECT pg_terminate_backend($1)', [approved?.pid]);
    await pile.untilNobodyWaits();
    await pile.waits(update(1));
    expect(await pile.remedy().recheck(plan)).toMatchObject({
      left: [],
      skipped: [{ reason: 'none of the planned sessions waits for it any more' }],
    });
    const report = await pile.remedy().run(plan, plan.targets, quiet);
    expect(report.items).toMatchObject([
      {
        outcome: 'moved on',
        detail: 'None of the planned sessions waits for it any more.',
      },
    ]);
    expect(await isAlive(holder)).toBe(true);
  });

  test('of many updates of one row the next in line is approved too, and a plan keeps fifty', async () => {
    const holder = await pile.holds(update(1));
    const first = await pile.waits(update(1));
    await pile.waitMany(update(1), 59);
    const plan = await pile.propose();
    const [target] = blockersOf(plan.targets);
    expect(target?.victims).toBe(60);
    expect(target?.waiters).toHaveLength(50);
    expect(target?.waiters[0]?.pid).toBe(first.pid);
    await pile.sessions.ask('SELECT pg_cancel_backend($1)', [first.pid]);
    await until('the next in line waits for the holder itself', async () => {
      const direct = await pile.sessions.ask(
        `SELECT FROM pg_stat_activity WHERE $1 = ANY (pg_blocking_pids(pid))`,
        [holder.pid],
      );
      return direct.length > 0 && (await isAlive(first));
    });
    expect((await pile.run(plan)).items).toMatchObject([{ outcome: 'ended' }]);
  });

  test('an emergency stop between two blockers leaves the second alone and says so', async () => {
    await pile.holds(update(1));
    const second = await pile.holds(update(2));
    for (const id of [1, 1, 2]) await pile.waits(update(id));
    const plan = await pile.propose();
    let ended = 0;
    const report = await pile.run(plan, {
      ...quiet,
      isStopped: () => Promise.resolve(ended > 0),
      record: () => Promise.resolve(void (ended += 1)),
    });
    expect(report).toMatchObject({
      items: [{ outcome: 'ended' }, { outcome: 'not reached' }],
      finished: false,
    });
    expect(await isAlive(second)).toBe(true);
  });

  test('the eleventh blocker of a plan is skipped, and so is one that nobody has waited for long', async () => {
    for (let id = 1; id <= 11; id += 1) {
      await pile.holds(update(id));
      await pile.waits(update(id));
    }
    const plan = await pile.propose();
    expect(plan.targets).toHaveLength(10);
    expect(plan.skipped).toMatchObject([{ reason: 'over the limit of 10 per plan' }]);
    const patient = pile.remedy({ target: aTarget({ limits: defaultLimits }) });
    expect(await patient.propose(stopBlockers)).toMatchObject({
      refusal: {
        kind: 'nothing-to-do',
        why: '11 sessions wait, and every blocker is skipped: no session has waited for it for 10 s yet.',
      },
    });
  });

  test('superusers, replication, dbconn, poolers and what is hidden are skipped, each with its reason', async () => {
    await pile.holds(update(1), { user: 'owner' });
    await pile.holds(update(2), { user: 'cdc' });
    await pile.holds(update(3), { application: 'dbconn' });
    await pile.holds(update(4), { application: 'pgbouncer' });
    for (const id of [1, 2, 3, 4]) await pile.waits(update(id));
    const answer = await pile.remedy().propose(stopBlockers);
    const why = whyOf(answer);
    for (const reason of [
      'a superuser (if it is the application: list it in applicationRoles, and set actingUrl to a superuser)',
      'a replication role',
      "dbconn's own session",
      'a pooler: ending it would break its clients',
    ]) {
      expect(why).toContain(reason);
    }
    const hidden = await pile.remedy({}, 'unseeing').propose(stopBlockers);
    expect(whyOf(hidden)).toContain('GRANT pg_monitor to it');
  });

  test("a superuser that is the application's own is stopped by an acting superuser", async () => {
    const holder = await pile.holds(update(1), { user: 'owner' });
    await pile.waits(update(1));
    const target = aTarget({ limits, applicationRoles: ['owner'] });
    const by = pile.remedy({ target }, 'postgres');
    const plan = await pile.propose(stopBlockers, by);
    expect((await pile.run(plan, quiet, by)).items).toMatchObject([
      { what: `pid ${holder.pid}`, outcome: 'ended' },
    ]);
  });

  test('an autovacuum in the way is explained and skipped', async () => {
    await pile.sessions.ask(
      `CREATE TABLE bloated WITH (autovacuum_vacuum_threshold = 1, autovacuum_vacuum_scale_factor = 0)
        AS SELECT i AS id, repeat('x', 500) AS note FROM generate_series(1, 5000) i`,
    );
    await pile.sessions.ask(`DELETE FROM bloated WHERE id % 2 = 0`);
    await until('an autovacuum works', async () => {
      const workers = await pile.sessions.ask(
        `SELECT FROM pg_locks l JOIN pg_stat_activity a USING (pid)
          WHERE a.backend_type = 'autovacuum worker' AND l.relation = 'bloated'::regclass`,
      );
      return workers.length > 0;
    });
    await pile.waits('ALTER TABLE bloated ADD COLUMN extra int', { user: 'postgres' });
    expect(await pile.remedy().propose(stopBlockers)).toMatchObject({
      refusal: {
        why: '1 session waits, and every blocker is skipped: an autovacuum, which yields by itself after deadlock_timeout.',
      },
    });
  });

  test('a deadlock and a prepared transaction have no session to stop', async () => {
    const [one, two] = [await pile.holds(update(1)), await pile.holds(update(2))];
    one.begin(update(2));
    two.begin(update(1));
    await pile.untilWaiting([one, two]);
    expect(whyOf(await pile.remedy().propose(stopBlockers))).toContain(
      '2 sessions wait in a deadlock',
    );
    await pile.clear();
    await pile.holds(update(1)).then(({ client }) => client.query(`PREPARE TRANSACTION 'gid'`));
    await pile.waits(update(1));
    expect(whyOf(await pile.remedy().propose(stopBlockers))).toContain(
      '1 session waits for a prepared',
    );
  });

  test('without waiters, and without a server, there is no plan but a reason', async () => {
    expect(await pile.remedy().propose(stopBlockers)).toMatchObject({
      refusal: { kind: 'nothing-to-do', why: 'No session waits for a lock.' },
    });
    expect(await pile.remedy({}, 'nobody').propose(stopBlockers)).toMatchObject({
      refusal: { kind: 'unreachable' },
    });
  });
});
