import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Cluster } from '../../../sandbox/patient/cluster.ts';
import { systemClock } from '../../../src/timing.ts';
import { createRoleLimits } from '../../../src/postgres/privileged/role-limits.ts';
import { createTimeouts } from '../../../src/postgres/privileged/timeouts.ts';
import { createPrevention } from '../../../src/runbook/remedies/prevention/prevention.ts';
import type { RemedyRequest } from '../../../src/runbook/remedies/remedy-request.ts';
import type { Plan } from '../../../src/runbook/remedies/plan.ts';
import type { Answer, Remedy, RunControl } from '../../../src/runbook/remedies/remedy.ts';
import { majors } from '../../support/breadth.ts';
import { startCluster } from '../../support/clusters.ts';
import { Sessions } from '../../support/sessions.ts';
import { aService, aTarget } from '../diagnose/builders.ts';
import { heldLease } from '../../support/held-lease.ts';

const quiet: RunControl = {
  isStopped: () => Promise.resolve(false),
  intend: () => Promise.resolve(),
  record: () => Promise.resolve(),
  lease: heldLease,
  progress: () => undefined,
};
const role = 'bi "x"';
const ask = (limit: number | null, of = role): RemedyRequest => ({
  kind: 'limit-connections',
  role: of,
  limit,
});

function valueOf<T>(answer: Answer<T>): T {
  if (!answer.ok) throw new Error(answer.refusal.why);
  return answer.value;
}

describe.each(majors)('a connection limit on PostgreSQL %i', (major) => {
  let cluster: Cluster;
  let sessions: Sessions;
  beforeAll(async () => {
    cluster = await startCluster({ major });
    sessions = new Sessions(cluster);
    for (const statement of [
      'CREATE ROLE "bi ""x""" LOGIN CONNECTION LIMIT 7',
      'CREATE ROLE bi LOGIN',
      'CREATE ROLE staff',
      'CREATE ROLE root LOGIN SUPERUSER',
      'CREATE ROLE dbconn LOGIN',
      'CREATE ROLE acting LOGIN',
      'CREATE ROLE admin LOGIN CREATEROLE',
      'GRANT "bi ""x""", bi TO admin WITH ADMIN OPTION',
    ]) {
      await sessions.ask(statement);
    }
  });
  afterEach(async () => {
    await sessions.ask('ALTER ROLE "bi ""x""" CONNECTION LIMIT 7');
    await sessions.endAll();
  });
  afterAll(async () => {
    await sessions.close();
    await cluster.close();
  });

  const remedy = (user = 'admin'): Remedy =>
    createPrevention({
      timeouts: createTimeouts({ url: cluster.url(user) }),
      roleLimits: createRoleLimits({ url: cluster.url(user), ownRoles: ['dbconn'] }),
      clock: systemClock,
      target: aTarget({ services: [aService({ application: 'shop' })] }),
    });
  const planFor = async (wanted: RemedyRequest): Promise<Plan> => ({
    ...valueOf(await remedy().propose(wanted)),
    policyVersion: '',
    plannedAt: '',
  });
  const limitNow = async (): Promise<number | undefined> => {
    const rows = await sessions.ask<{ limit: number }>(
      'SELECT rolconnlimit AS limit FROM pg_roles WHERE rolname = $1',
      [role],
    );
    return rows[0]?.limit;
  };

  test('is set, binds new logins alone, and is undone to the value before', async () => {
    await sessions.openMany(3, { user: role });
    const plan = await planFor(ask(2));
    expect(plan.frees).toMatchObject({
      slots: null,
      sentence: expect.stringContaining('3 sessions of this role stay connected') as unknown,
    });
    expect(plan.targets).toMatchObject([{ kind: 'setting', role, from: '7', to: '2' }]);
    expect((await remedy().recheck(plan)).left).toEqual(plan.targets);
    const report = await remedy().run(plan, plan.targets, quiet);
    expect(report).toMatchObject({ finished: true, items: [{ outcome: 'set' }] });
    expect(await limitNow()).toBe(2);
    await expect(sessions.open({ user: role })).rejects.toMatchObject({ code: '53300' });
    const open = await sessions.ask('SELECT FROM pg_stat_activity WHERE usename = $1', [role]);
    expect(open).toHaveLength(3);
    expect(plan.undoAsk).toEqual(ask(7));
    const undo = await planFor(ask(7));
    await remedy().run(undo, undo.targets, quiet);
    expect(await limitNow()).toBe(7);
  });

  test('is taken away, and an interrupted run says what is true', async () => {
    const plan = await planFor(ask(null));
    const interrupted = { plan, since: '', steps: [] };
    expect((await remedy().recover(interrupted, quiet)).items[0]?.outcome).toBe('not reached');
    await remedy().run(plan, plan.targets, quiet);
    expect(await limitNow()).toBe(-1);
    expect((await remedy().recover(interrupted, quiet)).items[0]?.outcome).toBe('set');
    await sessions.ask('ALTER ROLE "bi ""x""" CONNECTION LIMIT 3');
    expect((await remedy().recover(interrupted, quiet)).items[0]?.outcome).toBe('unknown');
    expect((await remedy().recheck(plan)).left).toEqual([]);
  });

  test('a role that a configured service uses too is held back with it, and the plan says so', async () => {
    await sessions.open({ user: role, application: 'shop' });
    const plan = await planFor(ask(5));
    expect(plan.risk).toBe('high');
    expect(plan.cost.join(' ')).toContain('A configured service uses this role too');
  });

  test.each([
    ['superuser', ask(5, 'root')],
    ['own-role', ask(5, 'admin')],
    ['unknown-role', ask(5, 'nobody')],
    ['group-role', ask(5, 'staff')],
    ['locks-out', ask(0)],
    ['nothing-to-do', ask(7)],
  ] as const)('is refused: %s', async (kind, wanted) => {
    expect(await remedy().propose(wanted)).toMatchObject({ refusal: { kind } });
  });

  test('is refused for the role dbconn looks with', async () => {
    await sessions.open({ user: 'dbconn', application: 'dbconn' });
    const answer = await remedy().propose(ask(5, 'dbconn'));
    expect(answer).toMatchObject({ refusal: { kind: 'own-role' } });
  });

  test('is to be run by hand, in exact SQL, where the right is missing', async () => {
    const answer = await remedy('acting').propose(ask(5, 'bi'));
    if (answer.ok) throw new Error('It was not refused.');
    expect(answer.refusal.kind).toBe('privilege');
    expect(answer.refusal.next).toContain('ALTER ROLE "bi" CONNECTION LIMIT 5;');
    expect(answer.refusal.next.includes('GRANT')).toBe(major >= 16);
    expect(await remedy('root').propose(ask(5))).toMatchObject({ ok: true });
  });
});
