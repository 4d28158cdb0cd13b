import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { majors } from '../../support/breadth.ts';
import { systemClock } from '../../../src/timing.ts';
import { createPreparedTransactions } from '../../../src/postgres/privileged/prepared-transactions.ts';
import type { Rule } from '../../../src/config/entries.ts';
import { defaultPolicy, readOptionPolicy } from '../../../src/runbook/approvals/policy.ts';
import type { Plan } from '../../../src/runbook/remedies/plan.ts';
import { createPreparedRollback } from '../../../src/runbook/remedies/prepared-transaction/rollback.ts';
import type { Remedy, StepEntry } from '../../../src/runbook/remedies/remedy.ts';
import { makeJournalFolder } from '../../journal/temporary-journal.ts';
import { configOf } from '../../support/config-of.ts';
import { openApprovals } from '../../support/open-approvals.ts';
import type { Session } from '../../support/sessions.ts';
import { ann, bob, cem } from '../approvals/builders.ts';
import { aTarget } from '../diagnose/builders.ts';
import { PileUp, quiet, recording, toPlan, update, valueOf } from './pile-up.ts';

/** A quote, a backslash and a space: whatever a transaction manager makes up. */
const gid = `order'4711\\ x`;
const database = `books "of" 2026`;

describe.for(majors)('PostgreSQL %i', (major) => {
  let pile: PileUp;

  beforeAll(async () => {
    pile = await PileUp.start(major);
    await pile.sessions.ask(`CREATE DATABASE "${database.replaceAll('"', '""')}" OWNER app`);
    const session = await pile.open({ database: encodeURIComponent(database) });
    await session.run('CREATE TABLE work (id int PRIMARY KEY, n int)');
    await session.run('INSERT INTO work SELECT i, 0 FROM generate_series(1, 20) i');
    await session.run(`REVOKE CONNECT ON DATABASE "books ""of"" 2026" FROM PUBLIC`);
  });
  afterEach(async () => {
    await endPrepared();
    await pile.clear();
  });
  afterAll(() => pile.close());

  async function endPrepared(): Promise<void> {
    const session = await pile.open({
      user: 'postgres',
      database: encodeURIComponent(database),
    });
    const left = await session.client.query<{ gid: string }>(
      `SELECT gid FROM pg_prepared_xacts WHERE database = current_database()`,
    );
    for (const one of left.rows)
      await session.run(`ROLLBACK PREPARED ${session.client.escapeLiteral(one.gid)}`);
  }

  const remedy = (user = 'postgres'): Remedy =>
    createPreparedRollback({
      prepared: createPreparedTransactions({ url: pile.cluster.url(user) }),
      clock: systemClock,
      target: aTarget(),
    });

  /** In another database than the one actingUrl names. */
  async function prepare(name = gid): Promise<Session> {
    const session = await pile.open({ database: encodeURIComponent(database) });
    await session.run('BEGIN', update(1));
    await session.run(`PREPARE TRANSACTION ${session.client.escapeLiteral(name)}`);
    return session;
  }

  async function plan(by = remedy()): Promise<Plan> {
    return toPlan(valueOf(await by.propose({ kind: 'rollback-prepared', gid })));
  }

  async function isPrepared(): Promise<boolean> {
    const found = await pile.sessions.ask('SELECT FROM pg_prepared_xacts WHERE gid = $1', [gid]);
    return found.length === 1;
  }

  test('it is rolled back in its own database, and those who waited for it go on', async () => {
    await prepare();
    await pile.waits(update(1), { database: encodeURIComponent(database) });
    await pile.waits(update(1), { database: encodeURIComponent(database) });
    const approved = await plan();
    expect(approved).toMatchObject({
      option: 'prepared',
      subject: gid,
      title: 'Roll back a prepared transaction that 2 sessions wait for',
      risk: 'high',
      targets: [{ gid, owner: 'app', database, victims: 2 }],
    });
    expect(approved.cost[0]).toMatch(/^Its transaction manager may have committed it elsewhere/);
    expect(JSON.stringify([approved.title, approved.cost, approved.steps])).not.toContain('4711');
    const { control, steps } = recording();
    const { left } = await remedy().recheck(approved);
    expect(await remedy().run(approved, left, control)).toEqual({
      items: [
        {
          what: 'prepared transaction',
          outcome: 'rolled back',
          detail: 'It was rolled back in its own database.',
          lines: [],
        },
      ],
      summary: '1 rolled back. 2 waiting when planned, 0 waiting now.',
      finished: true,
    });
    expect(await isPrepared()).toBe(false);
    await pile.untilNobodyWaits();
    expect(steps.map(({ kind, step }) => `${kind} ${step}`)).toEqual([
      'intended 0',
      'done 0',
      'intended 1',
      'done 1',
    ]);
  });

  test('its owner may roll it back, and a member of its owner may not', async () => {
    await prepare();
    await pile.sessions.ask('GRANT app TO acting');
    expect(await remedy('acting').propose({ kind: 'rollback-prepared', gid })).toMatchObject({
      refusal: { kind: 'privilege' },
    });
    await pile.sessions.ask('REVOKE app FROM acting');
    const approved = await plan(remedy('app'));
    const { items } = await remedy('app').run(approved, approved.targets, quiet);
    expect(items).toMatchObject([{ outcome: 'rolled back' }]);
  });

  test('a role that lost its right since the plan is told so, and nothing is done', async () => {
    await prepare();
    const approved = await plan();
    await pile.sessions.ask(`GRANT CONNECT ON DATABASE "books ""of"" 2026" TO acting`);
    const { items } = await remedy('acting').run(approved, approved.targets, quiet);
    expect(items).toMatchObject([{ outcome: 'refused' }]);
    expect(await isPrepared()).toBe(true);
  });

  test('a name that was used again since the plan is another transaction, and stays', async () => {
    await prepare();
    const approved = await plan();
    await endPrepared();
    const { left, skipped } = await remedy().recheck(approved);
    expect([left, skipped]).toMatchObject([[], [{ label: gid, reason: 'it has ended since' }]]);
    expect((await remedy().run(approved, approved.targets, quiet)).items).toMatchObject([
      { outcome: 'already gone' },
    ]);
    await prepare();
    expect((await remedy().recheck(approved)).left).toEqual([]);
    expect((await remedy().run(approved, approved.targets, quiet)).items).toMatchObject([
      { outcome: 'moved on' },
    ]);
    expect(await isPrepared()).toBe(true);
  });

  test('a name that nobody prepared, and a server that is not there, give a reason', async () => {
    expect(await remedy().propose({ kind: 'rollback-prepared', gid })).toMatchObject({
      refusal: { kind: 'nothing-to-do', why: 'No prepared transaction has that name.' },
    });
    const answer = await remedy('nobody').propose({ kind: 'rollback-prepared', gid });
    expect(answer).toMatchObject({ refusal: { kind: 'unreachable' } });
  });

  test('it cannot run until approvers are named for it, and then takes two of them', async () => {
    const folder = makeJournalFolder();
    const url = pile.cluster.url('postgres');
    const open = (rule: Partial<Rule>): ReturnType<typeof openApprovals> =>
      openApprovals(
        configOf({
          journal: folder.file,
          targets: [aTarget({ canAct: true })],
          database: { url, actingUrl: url },
          actions: ['prepared'],
          rule,
          verifyAfterMs: 1,
        }),
      );
    await prepare();
    const proposing = {
      target: 'shop',
      ask: { kind: 'rollback-prepared', gid },
      actor: ann,
    } as const;
    const closed = await open({});
    expect(await closed.approvals.propose(proposing)).toMatchObject({
      refusal: { kind: 'no-approvers' },
    });
    await closed.app.close();
    const { votes } = readOptionPolicy(defaultPolicy, 'prepared');
    const { app, approvals, faults } = await open({ approve: [ann.id, bob.id, cem.id], votes });
    const { id } = valueOf(await approvals.propose(proposing));
    await approvals.approve(id, bob);
    expect(await isPrepared()).toBe(true);
    await approvals.approve(id, cem);
    expect(valueOf(await approvals.settled(id))).toMatchObject({
      state: 'done',
      result: { report: { items: [{ outcome: 'rolled back' }], finished: true } },
    });
    expect(await isPrepared()).toBe(false);
    expect(faults).toEqual([]);
    await app.close();
    folder.close();
  });

  test('after a crash it is looked at and left as it is', async () => {
    await prepare();
    const approved = await plan();
    const entry: StepEntry = { kind: 'intended', step: 0, sentence: '', at: '' };
    const recover = async (steps: readonly StepEntry[]): Promise<string | undefined> => {
      const broken = { plan: approved, since: approved.plannedAt, steps };
      return (await remedy().recover(broken, quiet)).items[0]?.outcome;
    };
    expect(await recover([])).toBe('not reached');
    expect(await recover([entry])).toBe('still there');
    expect(await isPrepared()).toBe(true);
    await endPrepared();
    expect(await recover([entry])).toBe('unknown');
    const done: StepEntry = { ...entry, kind: 'done', facts: { outcome: 'rolled back' } };
    expect(await recover([entry, done])).toBe('rolled back');
  });
});
