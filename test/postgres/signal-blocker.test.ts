import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { majors } from '../support/breadth.ts';
import { createBlockers } from '../../src/postgres/privileged/blockers.ts';
import type {
  Blocker,
  BlockerOutcome,
  BlockerSignal,
} from '../../src/runbook/remedies/d-stop-blockers/ports.ts';
import { isAlive, PileUp, update } from '../runbook/remedies/pile-up.ts';
import type { WaiterIdentity } from '../../src/runbook/remedies/plan.ts';
import type { Session } from '../support/sessions.ts';
import { patienceMs, until } from '../support/until.ts';
import { heldLease } from '../support/held-lease.ts';
import type { SkipGuard } from '../../src/runbook/diagnose/protected-sessions.ts';

const guard: SkipGuard = {
  protectedApplications: ['migrations'],
  poolerApplications: ['pgbouncer'],
  ownRoles: ['app'],
  applicationRoles: [],
};

describe.for(majors)('PostgreSQL %i', (major) => {
  let pile: PileUp;
  beforeAll(async () => {
    pile = await PileUp.start(major);
  });
  afterEach(() => pile.clear());
  afterAll(() => pile.close());

  async function read({ pid }: Session): Promise<Blocker> {
    const blockers = createBlockers({ url: pile.cluster.url('acting') });
    const [found] = await blockers.act((session) => session.readBlockers([pid], guard));
    if (found === undefined) throw new Error('nobody there');
    return found;
  }

  async function approve(...waiters: readonly Session[]): Promise<readonly WaiterIdentity[]> {
    const blockers = createBlockers({ url: pile.cluster.url('acting') });
    const found = await blockers.act((session) =>
      session.readWaiters(waiters.map(({ pid }) => pid)),
    );
    expect(found).toHaveLength(waiters.length);
    return found;
  }

  function signal(
    change: Partial<BlockerSignal> & Pick<BlockerSignal, 'identity'>,
    user = 'acting',
  ): Promise<BlockerOutcome> {
    const blockers = createBlockers({ url: pile.cluster.url(user) });
    const whole: BlockerSignal = {
      how: 'terminate',
      same: 'statement',
      queued: false,
      waiters: null,
      ...change,
    };
    return blockers.act((session) => session.signalBlocker(whole, { guard, lease: heldLease }));
  }

  /** Every mark of an identity, each replaced by something else. */
  const others = {
    startedAt: '2020-01-01T00:00:00.000001Z',
    user: 'another',
    application: 'another',
    transactionStartedAt: '2020-01-01T00:00:00.000001Z',
    state: 'idle',
    stateChangedAt: '2020-01-01T00:00:00.000001Z',
    queryStartedAt: '2020-01-01T00:00:00.000001Z',
  } as const;

  test('each mark that must be the same spares a session in which it is another', async () => {
    const session = await pile.holds(update(1));
    const { identity } = await read(session);
    // In the order of `others`: so many of them count.
    const marks = { session: 3, transaction: 4, statement: 7 };
    for (const same of ['session', 'transaction', 'statement'] as const) {
      for (const [mark, value] of Object.entries(others).slice(0, marks[same])) {
        const outcome = await signal({ identity: { ...identity, [mark]: value }, same });
        expect(`${same} ${mark}: ${outcome}`).toBe(
          `${same} ${mark}: ${mark === 'startedAt' ? 'already gone' : 'moved on'}`,
        );
      }
    }
    expect(await isAlive(session)).toBe(true);
  });

  test('a start that differs by one microsecond is another session with the same pid', async () => {
    const session = await pile.holds(update(1));
    const { identity } = await read(session);
    const micros = Number(identity.startedAt.slice(-7, -1));
    const next = String((micros + 1) % 1_000_000).padStart(6, '0');
    const startedAt = `${identity.startedAt.slice(0, -7)}${next}Z`;
    expect(await signal({ identity: { ...identity, startedAt }, same: 'session' })).toBe(
      'already gone',
    );
    expect(await isAlive(session)).toBe(true);
  });

  test('a blocker is signalled only while one of the approved waiters waits for it itself', async () => {
    const session = await pile.holds(update(1));
    const bystander = await pile.open();
    const waiter = await pile.waits(update(1));
    const behind = await pile.waits(update(1));
    const { identity } = await read(session);
    const [[first], others] = [await approve(waiter), await approve(bystander, behind)];
    const reused = { pid: waiter.pid, startedAt: '2020-01-01T00:00:00.000001Z' };
    for (const waiters of [[], others, [reused], [{ ...reused, pid: 2_000_000_000 }]]) {
      expect(await signal({ identity, waiters })).toBe('released');
    }
    const waiters = [reused, ...others, ...(first ? [first] : [])];
    expect(await signal({ identity, waiters })).toBe('signalled');
    await pile.untilNobodyWaits();
  });

  test('a blocker whose approved waiter went away is not signalled for somebody who came since', async () => {
    const session = await pile.holds(update(1));
    const { identity } = await read(session);
    const approved = await pile.waits(update(1));
    const waiters = await approve(approved);
    await pile.sessions.ask('SELECT pg_terminate_backend($1)', [approved.pid]);
    await pile.untilNobodyWaits();
    await pile.waits(update(1));
    expect(await signal({ identity, waiters })).toBe('released');
    expect(await isAlive(session)).toBe(true);
  });

  test('a parallel worker waits as its leader', async () => {
    for (const sql of [
      `CREATE OR REPLACE FUNCTION peek() RETURNS bigint PARALLEL SAFE LANGUAGE plpgsql
         AS $$ BEGIN RETURN (SELECT count(*) FROM hidden_work); END $$`,
      'CREATE TABLE IF NOT EXISTS hidden_work ()',
      'GRANT ALL ON hidden_work TO PUBLIC',
    ]) {
      await pile.sessions.ask(sql);
    }
    const session = await pile.holds('LOCK TABLE hidden_work');
    const { identity } = await read(session);
    const leader = await pile.open();
    await leader.run(
      `SET ${major < 16 ? 'force_parallel_mode' : 'debug_parallel_query'} = on`,
      'SET parallel_leader_participation = off',
    );
    leader.begin('SELECT peek()');
    await until('its worker waits', async () => {
      const workers = await pile.sessions.ask(
        `SELECT FROM pg_stat_activity WHERE leader_pid = $1 AND pid <> $1 AND wait_event_type = 'Lock'`,
        [leader.pid],
      );
      return workers.length === 1;
    });
    expect(await signal({ identity, waiters: await approve(leader) })).toBe('signalled');
    await pile.untilNobodyWaits();
  });

  test('a queued statement is cancelled while it waits, and not once it works', async () => {
    const holder = await pile.holds('SELECT * FROM work');
    const ddl = await pile.waits(
      'BEGIN; LOCK TABLE work IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(600)',
    );
    const { identity } = await read(ddl);
    await holder.run('COMMIT');
    await pile.untilNobodyWaits();
    const waiter = await pile.waits('SELECT count(*) FROM work');
    const [how, queued, waiters] = ['cancel', true, await approve(waiter)] as const;
    expect(await signal({ identity, how, queued, waiters })).toBe('moved on');
    expect(await signal({ identity, how, queued: false, waiters })).toBe('signalled');
    await pile.untilNobodyWaits();
  });

  test('a cancel is never sent to a session that runs nothing', async () => {
    for (const session of [await pile.holds(update(1)), await pile.open()]) {
      const { identity } = await read(session);
      expect(await signal({ identity, how: 'cancel' })).toBe('moved on');
    }
  });

  test('a session that is skipped is skipped by the signal too, and a role without the right gets no error', async () => {
    const expected = [
      [{ user: 'owner' }, 'superuser'],
      [{ user: 'cdc' }, 'replication'],
      [{ application: 'migrations' }, 'protected application'],
      [{ application: 'PgBouncer' }, 'pooler'],
      [{ application: 'dbconn' }, 'own'],
    ] as const;
    for (const [options, outcome] of expected) {
      const session = await pile.holds('SELECT 1', options);
      const { identity, skipped } = await read(session);
      expect([skipped, await signal({ identity })]).toEqual([outcome, outcome]);
      expect(await isAlive(session)).toBe(true);
    }
    const session = await pile.holds('SELECT 1');
    const { identity } = await read(session);
    expect(await signal({ identity }, 'unseeing')).toBe('hidden');
    await pile.sessions.ask('GRANT pg_monitor TO unseeing');
    expect(await signal({ identity }, 'unseeing')).toBe('no privilege');
    await pile.sessions.ask('REVOKE pg_monitor FROM unseeing');
    expect(await isAlive(session)).toBe(true);
  });

  test('a session that has ended is already gone', async () => {
    const session = await pile.holds('SELECT 1');
    const { identity } = await read(session);
    expect(await signal({ identity })).toBe('signalled');
    await expect.poll(() => signal({ identity }), { timeout: patienceMs }).toBe('already gone');
  });

  test('no literal of a blocker’s statement is read', async () => {
    const session = await pile.holds(`SELECT 'secret of the customer' FROM work`);
    expect(await read(session)).toMatchObject({ query: 'SELECT ? FROM work', process: 'client' });
  });
});
