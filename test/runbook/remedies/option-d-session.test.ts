import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { majors } from '../../support/breadth.ts';
import type { RemedyRequest } from '../../../src/runbook/remedies/remedy-request.ts';
import type { StepEntry } from '../../../src/runbook/remedies/remedy.ts';
import type { Session } from '../../support/sessions.ts';
import { isAlive, PileUp, quiet, update, whyOf } from './pile-up.ts';

function stop(pid: number, how: 'cancel' | 'terminate'): RemedyRequest {
  return { kind: 'stop-session', pid, how };
}

describe.for(majors)('PostgreSQL %i', (major) => {
  let pile: PileUp;
  beforeAll(async () => {
    pile = await PileUp.start(major);
  });
  afterEach(() => pile.clear());
  afterAll(() => pile.close());

  test('cancel ends the statement of the named session and leaves the session, whether or not anybody waits', async () => {
    const session = await pile.works('SELECT 1');
    const plan = await pile.propose(stop(session.pid, 'cancel'));
    expect(plan).toMatchObject({
      title: `Cancel the statement of pid ${session.pid}`,
      subject: 'backend',
      targets: [{ how: 'cancel', victims: 0, query: 'SELECT pg_sleep(?)' }],
      steps: [
        `Cancel the statement of pid ${session.pid}`,
        'Check whether the waiting sessions continue',
      ],
      frees: { slots: 0 },
    });
    expect((await pile.run(plan)).items).toMatchObject([{ outcome: 'cancelled' }]);
    await session.run('ROLLBACK');
  });

  test('cancel of a session that runs nothing is refused, for it would do nothing', async () => {
    const session = await pile.holds(update(1));
    expect(await pile.remedy().propose(stop(session.pid, 'cancel'))).toMatchObject({
      refusal: { kind: 'nothing-to-do', next: `To end its session: /dbconn kill ${session.pid}` },
    });
  });

  test('a cancel meant for one statement does not hit the next', async () => {
    const session = await pile.works('SELECT 1');
    const plan = await pile.propose(stop(session.pid, 'cancel'));
    await pile.run(plan);
    await session.run('ROLLBACK', 'BEGIN');
    session.begin('SELECT pg_sleep(601)');
    expect(await pile.remedy().recheck(plan)).toMatchObject({
      left: [],
      skipped: [{ reason: 'it is running something else now' }],
    });
    const report = await pile.remedy().run(plan, plan.targets, quiet);
    expect(report.items).toMatchObject([{ outcome: 'moved on' }]);
  });

  test('kill ends the named session though it has worked since, and frees those behind it', async () => {
    const session = await pile.holds(update(1));
    await pile.waitMany(update(1), 5);
    const plan = await pile.propose(stop(session.pid, 'terminate'));
    expect(plan).toMatchObject({ title: `End pid ${session.pid}`, frees: { slots: 1 } });
    await session.run('SELECT 1');
    expect(await pile.run(plan)).toMatchObject({
      items: [{ outcome: 'ended' }],
      summary: 'Of 1 session: 1 ended. 5 sessions waited before, 0 after.',
    });
  });

  test('a session that does nothing can be named, and costs its connection alone', async () => {
    const session = await pile.open();
    const plan = await pile.propose(stop(session.pid, 'terminate'));
    expect(plan.cost).toEqual([
      `pid ${session.pid}: its application loses the connection. It has written nothing.`,
    ]);
    expect((await pile.run(plan)).items).toMatchObject([{ outcome: 'ended' }]);
  });

  test('another session with the pid of the named one is never ended', async () => {
    const session = await pile.holds(update(1));
    const plan = await pile.propose(stop(session.pid, 'terminate'));
    const [target] = plan.targets;
    if (target?.kind !== 'blocker') throw new Error('a session is planned');
    for (const other of [
      { startedAt: '2020-01-01T00:00:00.000001Z' },
      { user: 'another' },
      { application: 'another' },
    ]) {
      const identity = { ...target.identity, ...other };
      const reused = { ...plan, targets: [{ ...target, identity }] };
      expect((await pile.remedy().recheck(reused)).left).toEqual([]);
      const { items } = await pile.remedy().run(reused, reused.targets, quiet);
      expect(items[0]?.outcome).toMatch(/^(?:already gone|moved on)$/);
    }
    expect(await isAlive(session)).toBe(true);
  });

  test('no pid that is protected, a superuser’s, dbconn’s, or nobody’s can be named', async () => {
    const migration = await pile.open({ application: 'migrations' });
    const superuser = await pile.open({ user: 'owner' });
    const own = await pile.open({ application: 'dbconn' });
    const reasons = new Map([
      [migration.pid, 'a protected application'],
      [superuser.pid, 'a superuser'],
      [own.pid, "dbconn's own session"],
    ]);
    for (const [pid, reason] of reasons) {
      expect(whyOf(await pile.remedy().propose(stop(pid, 'terminate')))).toContain(reason);
    }
    const [checkpointer] = await pile.sessions.ask<{ pid: number }>(
      `SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'`,
    );
    const background = await pile.remedy().propose(stop(checkpointer?.pid ?? 0, 'terminate'));
    expect(background).toMatchObject({ refusal: { kind: 'skipped' } });
    expect(await pile.remedy().propose(stop(2_000_000_000, 'terminate'))).toMatchObject({
      refusal: { why: 'No session has pid 2000000000.' },
    });
  });

  test('after a crash the record is believed, the rest is looked at, and nobody is signalled', async () => {
    const holders: Session[] = [];
    for (const id of [1, 2, 3, 4]) {
      holders.push(await pile.holds(update(id)));
      await pile.waits(update(id));
    }
    const plan = await pile.propose();
    const [first, second, third, fourth] = plan.targets.map((target) =>
      holders.find(({ pid }) => target.kind === 'blocker' && target.identity.pid === pid),
    );
    await second?.client.end();
    const entry = (step: number, kind: StepEntry['kind'], outcome?: string): StepEntry => ({
      step,
      kind,
      sentence: '',
      at: '',
      ...(outcome !== undefined && { facts: { outcome } }),
    });
    const steps = [
      entry(0, 'intended'),
      entry(0, 'done', 'refused'),
      entry(1, 'intended'),
      entry(2, 'intended'),
    ];
    const report = await pile.remedy().recover({ plan, since: plan.plannedAt, steps }, quiet);
    expect(report).toMatchObject({
      items: [
        { what: `pid ${first?.pid}`, outcome: 'refused' },
        { what: `pid ${second?.pid}`, outcome: 'unknown' },
        { what: `pid ${third?.pid}`, outcome: 'still there' },
        { what: `pid ${fourth?.pid}`, outcome: 'not reached' },
      ],
      finished: false,
    });
    expect(report.summary).toMatch(/ 3 sessions wait now\.$/);
    for (const session of [first, third, fourth]) {
      expect(session && (await isAlive(session))).toBe(true);
    }
  });
});
