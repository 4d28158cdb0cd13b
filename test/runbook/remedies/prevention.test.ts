import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { majors } from '../../support/breadth.ts';
import { startCluster } from '../../support/clusters.ts';
import type { Cluster } from '../../../sandbox/patient/cluster.ts';
import { systemClock } from '../../../src/timing.ts';
import { createRoleLimits } from '../../../src/postgres/privileged/role-limits.ts';
import { createTimeouts } from '../../../src/postgres/privileged/timeouts.ts';

import type { RemedyRequest } from '../../../src/runbook/remedies/remedy-request.ts';
import type { Plan } from '../../../src/runbook/remedies/plan.ts';
import { createPrevention } from '../../../src/runbook/remedies/prevention/prevention.ts';
import type { Answer, Remedy, Report, RunControl } from '../../../src/runbook/remedies/remedy.ts';
import { Sessions } from '../../support/sessions.ts';
import { until } from '../../support/until.ts';
import { aTarget } from '../diagnose/builders.ts';
import { heldLease } from '../../support/held-lease.ts';
import type { Clock } from '../../../src/timing.ts';

type TimeoutRequest = Extract<RemedyRequest, { kind: 'set-timeout' }>;

const inTransaction = 'idle_in_transaction_session_timeout';
const idle = 'idle_session_timeout';

const quiet: RunControl = {
  isStopped: () => Promise.resolve(false),
  intend: () => Promise.resolve(),
  record: () => Promise.resolve(),
  lease: heldLease,
  progress: () => undefined,
};

/** Its seconds are over in a twentieth of one: what is waited for in vain need not be waited for long. */
const hurried: Clock = { now: () => systemClock.now() * 20, sleep: (ms) => systemClock.sleep(ms) };

function ask(more: Partial<TimeoutRequest> = {}): TimeoutRequest {
  return { kind: 'set-timeout', setting: inTransaction, role: null, ms: 600_000, ...more };
}

describe.for(majors)('PostgreSQL %i', (major) => {
  let cluster: Cluster;
  let sessions: Sessions;
  const strange = 'Robert"); DROP ROLE app; --';

  beforeAll(async () => {
    cluster = await startCluster({ major, settings: { max_connections: 20 } });
    sessions = new Sessions(cluster);
    await sessions.ask('CREATE ROLE app LOGIN; CREATE ROLE team; CREATE ROLE acting LOGIN');
    await sessions.ask(`CREATE ROLE "${strange.replaceAll('"', '""')}" LOGIN`);
    await sessions.ask('GRANT pg_monitor TO acting');
  });
  afterEach(async () => {
    for (const name of major >= 14 ? [inTransaction, idle] : [inTransaction]) {
      await sessions.ask(`ALTER SYSTEM RESET ${name}`);
      await sessions.ask(`ALTER ROLE app RESET ${name}`);
    }
    await reload();
    await sessions.endAll();
  });
  afterAll(async () => {
    await sessions.close();
    await cluster.close();
  });

  async function reload(): Promise<void> {
    const [before] = await sessions.ask<{ at: string }>('SELECT pg_conf_load_time()::text AS at');
    await sessions.ask('SELECT pg_reload_conf()');
    await until('the files are read again', async () => {
      const [now] = await sessions.ask<{ at: string }>('SELECT pg_conf_load_time()::text AS at');
      return now?.at !== before?.at;
    });
  }

  const remedy = (user = 'postgres', clock: Clock = systemClock): Remedy =>
    createPrevention({
      timeouts: createTimeouts({ url: cluster.url(user) }),
      roleLimits: createRoleLimits({ url: cluster.url(user) }),
      clock,
      target: aTarget(),
    });

  async function plan(wanted: TimeoutRequest, user?: string): Promise<Plan> {
    const draft = valueOf(await remedy(user).propose(wanted));
    return { ...draft, policyVersion: '', plannedAt: new Date().toISOString() };
  }

  async function carryOut(wanted: TimeoutRequest, control = quiet): Promise<[Plan, Report]> {
    const approved = await plan(wanted);
    const { left } = await remedy().recheck(approved);
    expect(left).toEqual(approved.targets);
    return [approved, await remedy().run(approved, left, control)];
  }

  /** What a new session has. */
  async function inForce(setting = inTransaction, user = 'app'): Promise<string | undefined> {
    const { client } = await sessions.open({ user });
    const { rows } = await client.query<{ value: string }>(
      `SELECT current_setting('${setting}') AS value`,
    );
    return rows[0]?.value;
  }

  test('cluster-wide it is written, reloaded and read back; its undo takes it away again', async () => {
    const steps: string[] = [];
    const control: RunControl = {
      ...quiet,
      intend: ({ step, sentence }) => Promise.resolve(void steps.push(`${step} ${sentence}`)),
    };
    const [approved, report] = await carryOut(ask(), control);
    expect(approved).toMatchObject({
      title: `Set ${inTransaction} to 10min for the whole cluster`,
      targets: [{ from: null, to: '10min', inForce: '0', source: 'default' }],
      undoAsk: { ms: null },
      risk: 'medium',
    });
    expect(approved.steps).toHaveLength(2);
    expect(steps).toEqual([`0 write ${inTransaction} = 10min`, '1 reload the configuration']);
    expect(report).toMatchObject({ items: [{ outcome: 'set' }], finished: true });
    expect(await inForce()).toBe('10min');
    const [, undone] = await carryOut(ask({ ms: null }));
    expect(undone.items[0]?.outcome).toBe('set');
    expect(await inForce()).toBe('0');
    expect(await autoConf()).not.toContain(inTransaction);
  });

  test('the value before is kept for the undo, however it was written, and 0 is a value', async () => {
    for (const [written, ms] of [
      ["'1.5h'", 5_400_000],
      ['90500', 90_500],
      ['0', 0],
    ] as const) {
      await sessions.ask(`ALTER SYSTEM SET ${inTransaction} = ${written}`);
      await reload();
      const [approved] = await carryOut(ask({ ms: 60_000 }));
      expect(approved.undoAsk).toMatchObject({ ms });
      if (approved.undoAsk?.kind !== 'set-timeout') throw new Error('It has no undo.');
      await carryOut(approved.undoAsk);
      const [now] = await sessions.ask<{ setting: string }>(
        'SELECT setting FROM pg_file_settings WHERE name = $1',
        [inTransaction],
      );
      expect(now?.setting).toBe(`${ms}ms`);
    }
  });

  test('a session that rests already keeps its old timer, and the plan says so', async () => {
    const resting = await sessions.open({ user: 'app' });
    await resting.run('BEGIN');
    await systemClock.sleep(150);
    const [approved] = await carryOut(ask({ ms: 100 }));
    expect(approved.frees.sentence).toContain('1 session is idle longer already: see /dbconn idle');
    const later = await sessions.open({ user: 'app' });
    await later.run('BEGIN');
    await until('the one that came later is ended', async () => (await alive(later.pid)) === 0);
    expect(await alive(resting.pid)).toBe(1);
  });

  test('for one role it holds for its new sessions, and its name cannot break out', async () => {
    for (const role of ['app', strange]) {
      const open = await sessions.open({ user: role });
      const [approved, report] = await carryOut(ask({ role }));
      expect(approved).toMatchObject({ subject: role, undoAsk: { role, ms: null }, risk: 'low' });
      expect(approved.frees.sentence).toContain('1 open session of this role keep');
      expect(report).toMatchObject({ items: [{ outcome: 'set' }], finished: true });
      expect([approved.title, report.summary, ...approved.steps].join()).not.toContain(role);
      expect(await inForce(inTransaction, role)).toBe('10min');
      expect(await inForce(inTransaction, 'acting')).toBe('0');
      await open.client.end();
      await carryOut(ask({ role, ms: null }));
      expect(await inForce(inTransaction, role)).toBe('0');
    }
  });

  test('roles and databases with a value of their own are listed as not reached', async () => {
    await sessions.ask(`ALTER ROLE app SET ${inTransaction} = '5min'`);
    const approved = await plan(ask());
    expect(approved).toMatchObject({ skippedTotal: 1, skipped: [{ label: 'role app: 5min' }] });
    const ofRole = await plan(ask({ role: 'app' }));
    expect(ofRole).toMatchObject({ skippedTotal: 0, targets: [{ from: '5min', source: 'user' }] });
  });

  test.for([major].filter((number) => number < 14))('%i has no idle_session_timeout', async () => {
    const answer = await remedy().propose(ask({ setting: idle, role: 'app' }));
    expect(answer).toMatchObject({ refusal: { kind: 'unsupported' } });
  });

  test.for([major].filter((number) => number >= 14))(
    'on %i idle_session_timeout is for a role alone, and says what poolers do',
    async () => {
      const forAll = await remedy().propose(ask({ setting: idle }));
      expect(forAll).toMatchObject({ refusal: { kind: 'pooler-hazard' } });
      await sessions.open({ user: 'app', application: 'PgBouncer' });
      const [approved] = await carryOut(ask({ setting: idle, role: 'app', ms: 1_800_000 }));
      expect(approved.risk).toBe('high');
      expect(approved.cost.join(' ')).toContain('1 open session of this role comes from a pooler');
      expect(await inForce(idle)).toBe('30min');
      await sessions.ask(`ALTER SYSTEM SET ${idle} = '1h'`);
      await reload();
      const off = await plan(ask({ setting: idle, ms: null }));
      expect(off.undoAsk).toBeNull();
      expect(off.undo).toContain(`ALTER SYSTEM SET ${idle} = '1h'`);
    },
  );

  test.for([
    [ask({ role: 'nobody' }), 'postgres', 'unknown-role', /\\du/],
    [ask({ role: 'team' }), 'postgres', 'group-role', /logs in/],
    [ask({ ms: null }), 'postgres', 'nothing-to-do', /SHOW/],
    [ask({ role: 'postgres' }), 'acting', 'privilege', /superuser/],
    [ask({ role: 'app' }), 'acting', 'privilege', major < 16 ? /by hand/ : /WITH ADMIN OPTION/],
    [ask(), 'acting', 'privilege', major < 15 ? /superuser/ : /ON PARAMETER idle_in/],
  ] as const)('%o by %s is refused: %s', async ([wanted, user, kind, next]) => {
    const answer = await remedy(user).propose(wanted);
    if (answer.ok) throw new Error('It was not refused.');
    expect(answer.refusal.kind).toBe(kind);
    expect(answer.refusal.next).toMatch(next);
  });

  test('a value that changed since the plan makes it stale', async () => {
    const approved = await plan(ask());
    await sessions.ask(`ALTER SYSTEM SET ${inTransaction} = '1min'`);
    await reload();
    expect(await remedy().recheck(approved)).toMatchObject({
      left: [],
      skipped: [{ reason: 'its value changed since the plan was made' }],
    });
  });

  test('after a crash what was written is brought into force, and what was not is left', async () => {
    const approved = await plan(ask());
    const interrupted = { plan: approved, since: approved.plannedAt, steps: [] };
    const untouched = await remedy().recover(interrupted, quiet);
    expect(untouched).toMatchObject({ items: [{ outcome: 'not reached' }], finished: false });
    await sessions.ask(`ALTER SYSTEM SET ${inTransaction} = '10min'`);
    expect(await inForce()).toBe('0');
    const finished = await remedy().recover(interrupted, quiet);
    expect(finished).toMatchObject({ items: [{ outcome: 'set' }], finished: true });
    expect(await inForce()).toBe('10min');
    await sessions.ask(`ALTER SYSTEM SET ${inTransaction} = '7min'`);
    const strangers = await remedy().recover(interrupted, quiet);
    expect(strangers.items[0]?.outcome).toBe('unknown');
    expect(await autoConf()).toContain("'7min'");
  });

  test('a stop before it leaves everything as it was', async () => {
    const stopped = { ...quiet, isStopped: () => Promise.resolve(true) };
    const [, report] = await carryOut(ask(), stopped);
    expect(report.items[0]?.outcome).toBe('not reached');
    expect(await autoConf()).not.toContain(inTransaction);
  });

  test('where a broken file keeps the reload from it, the plan is refused, and a written value put back', async () => {
    await sessions.ask(`ALTER SYSTEM SET ${inTransaction} = '1h'`);
    await reload();
    const approved = await plan(ask());
    const file = join(cluster.dataDirectory, 'postgresql.conf');
    const whole = await readFile(file, 'utf8');
    await appendFile(file, '\nthis line = = cannot be read\n');
    try {
      expect(await remedy().propose(ask())).toMatchObject({ refusal: { kind: 'files-broken' } });
      const report = await remedy('postgres', hurried).run(approved, approved.targets, quiet);
      expect(report).toMatchObject({ items: [{ outcome: 'put back' }], finished: false });
      expect(await autoConf()).toContain(`${inTransaction} = '3600000ms'`);
      expect(await inForce()).toBe('1h');
    } finally {
      await writeFile(file, whole);
    }
  });

  function autoConf(): Promise<string> {
    return readFile(join(cluster.dataDirectory, 'postgresql.auto.conf'), 'utf8');
  }

  async function alive(pid: number): Promise<number> {
    const rows = await sessions.ask('SELECT FROM pg_stat_activity WHERE pid = $1', [pid]);
    return rows.length;
  }
});

describe('where the setting is not this file’s', () => {
  let cluster: Cluster;
  beforeEach(async () => {
    cluster = await startCluster({ commandLine: { [inTransaction]: 1000 } });
  });
  afterEach(() => cluster.close());

  test('the command line, and allow_alter_system = off, are said instead of a plan that would do nothing', async () => {
    const sessions = new Sessions(cluster);
    const remedy = createPrevention({
      timeouts: createTimeouts({ url: cluster.url() }),
      roleLimits: createRoleLimits({ url: cluster.url() }),
      clock: systemClock,
      target: aTarget(),
    });
    expect(await remedy.propose(ask())).toMatchObject({ refusal: { kind: 'command-line' } });
    await appendFile(
      join(cluster.dataDirectory, 'postgresql.conf'),
      '\nallow_alter_system = off\n',
    );
    await sessions.ask('SELECT pg_reload_conf()');
    await until('ALTER SYSTEM is off', async () => {
      const answer = await remedy.propose(ask());
      return !answer.ok && answer.refusal.kind === 'not-allowed';
    });
    await sessions.close();
  });
});

function valueOf<T>(answer: Answer<T>): T {
  if (!answer.ok) throw new Error(`${answer.refusal.kind}: ${answer.refusal.why}`);
  return answer.value;
}
