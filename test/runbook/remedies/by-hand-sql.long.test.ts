import { Client } from 'pg';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { systemClock } from '../../../src/timing.ts';
import { openPrivileged } from '../../../src/app/changing-adapters.ts';
import { createDatabase } from '../../../src/postgres/lifeline.ts';
import { toHandOffs } from '../../../src/app/target-remedies.ts';
import { takeSnapshotOf } from '../../../src/runbook/snapshot/take-snapshot.ts';
import type { Database } from '../../../src/runbook/snapshot/ports.ts';
import { PrivilegedUnavailable } from '../../../src/runbook/remedies/remedy.ts';
import { actionOf } from '../../../src/runbook/remedies/remedy-request.ts';
import type { RemedyRequest } from '../../../src/runbook/remedies/remedy-request.ts';
import { commandsOf } from '../../../src/runbook/remedies/by-hand/commands.ts';
import type { HandOffRemedy } from '../../../src/runbook/remedies/by-hand/create-hand-off.ts';
import type { Plan } from '../../../src/runbook/remedies/plan.ts';
import type { Report } from '../../../src/runbook/remedies/remedy.ts';
import { databaseOptions } from '../../support/database-options.ts';
import { aTarget } from '../diagnose/builders.ts';
import { limits, PileUp, quiet, toPlan, update, valueOf } from './pile-up.ts';

/** Statements that a person gives to psql, planned by a role that may only look, run by one that may. */
let pile: PileUp;
let database: Database;
let offs: readonly HandOffRemedy[];

beforeAll(async () => {
  pile = await PileUp.start(18);
  await pile.sessions.ask('CREATE ROLE looking LOGIN');
  await pile.sessions.ask('GRANT pg_monitor TO looking');
  database = createDatabase(databaseOptions(pile.cluster.url('looking')));
  const none = {
    ok: false,
    tookMs: 0,
    problem: { kind: 'not-configured', summary: 'There is none.' },
  } as const;
  const patient = {
    target: aTarget({ limits }),
    database,
    services: { readServices: () => Promise.resolve(none), readLogs: () => Promise.resolve(none) },
    pools: { readPools: () => Promise.resolve(none) },
    planning: openPrivileged(pile.cluster.url('looking')),
  };
  offs = toHandOffs(patient, {
    target: patient.target,
    takeSnapshot: () => takeSnapshotOf({ ...patient, clock: systemClock }, patient.target),
    clock: systemClock,
    refusedServices: [],
  });
});
afterEach(() => pile.clear());
afterAll(async () => {
  await database.close();
  await pile.close();
});

function handOff(ask: RemedyRequest): HandOffRemedy {
  const found = offs.find(({ option }) => option === actionOf(ask));
  if (found === undefined) throw new Error('It has no hand-off.');
  return found;
}

async function planned(ask: RemedyRequest): Promise<Plan> {
  return toPlan(valueOf(await handOff(ask).propose(ask)));
}

/** What psql is given, of each command in turn. */
function statementsOf(plan: Plan, forMs = 60_000): string[] {
  if (plan.byHand === undefined) throw new Error('This plan is not for a person.');
  const until = new Date(Date.now() + forMs).toISOString();
  return commandsOf(plan, plan.byHand, until).commands.map((command) => {
    const [, sql = ''] = /<<'SQL'\n([^]*)\nSQL$/.exec(command) ?? [];
    return sql;
  });
}

async function run(sql: string, name = 'postgres'): Promise<readonly Record<string, unknown>[]> {
  const client = new Client({ connectionString: pile.cluster.url('postgres', name) });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
}

function seen(plan: Plan): Promise<Report> {
  const since = new Date(Date.now() - 60_000).toISOString();
  return handOff(plan.ask).recover({ plan, since, steps: [] }, quiet);
}

test('option D ends the blocker while an approved session waits for it, and no other', async () => {
  const holder = await pile.holds(update(1), { application: `o'brien\\` });
  await pile.waits(update(1));
  const plan = await planned({ kind: 'stop-blockers' });
  const [sql = ''] = statementsOf(plan);
  expect(await run(statementsOf(plan, -1)[0] ?? '')).toEqual([]);
  expect((await seen(plan)).items).toMatchObject([{ outcome: 'still there' }]);
  expect(await run(sql)).toEqual([{ pid: holder.pid, pg_terminate_backend: true }]);
  await pile.untilNobodyWaits();
  expect(await run(sql)).toEqual([]);
  expect((await seen(plan)).items).toMatchObject([{ outcome: 'ended' }]);
});

test('option D cancels a statement, and not the next one of the same session', async () => {
  const session = await pile.works('SELECT 1');
  const plan = await planned({ kind: 'stop-session', pid: session.pid, how: 'cancel' });
  const [sql = ''] = statementsOf(plan);
  expect(await run(sql)).toMatchObject([{ pg_cancel_backend: true }]);
  expect(await run(sql)).toEqual([]);
});

test('a prepared transaction is rolled back by its whole identity', async () => {
  const gid = `order'4711\\ x`;
  const session = await pile.open();
  await session.run('BEGIN', update(1), `PREPARE TRANSACTION ${session.client.escapeLiteral(gid)}`);
  const plan = await planned({ kind: 'rollback-prepared', gid });
  const [sql = ''] = statementsOf(plan);
  expect(sql.endsWith('\\gexec')).toBe(true);
  const [made] = await run(sql.replace('\\gexec', ''));
  await run(String(made?.['format']));
  expect(await run(sql.replace('\\gexec', ''))).toEqual([]);
  expect((await seen(plan)).items).toMatchObject([{ outcome: 'already gone' }]);
});

test('a limit and a time-out of a role are read back', async () => {
  const setting = 'idle_session_timeout';
  const asks: RemedyRequest[] = [
    { kind: 'limit-connections', role: 'app', limit: 50 },
    { kind: 'set-timeout', setting, role: 'app', ms: 600_000 },
    { kind: 'set-timeout', setting: 'idle_in_transaction_session_timeout', role: null, ms: 60_000 },
  ];
  for (const ask of asks) {
    const plan = await planned(ask);
    expect((await seen(plan)).items).toMatchObject([{ outcome: 'not reached' }]);
    for (const statement of statementsOf(plan)[0]?.split('\n') ?? []) await run(statement);
    await expect
      .poll(async () => (await seen(plan)).items, { timeout: 60_000 })
      .toMatchObject([{ outcome: 'set' }]);
  }
});

test('max_connections that waits for a restart is not yet set, and after it is', async () => {
  const plan = await planned({ kind: 'raise-max-connections', to: 140 });
  expect(plan.title).toContain('restart by hand');
  await run(statementsOf(plan)[0] ?? '');
  const { items, finished } = await seen(plan);
  expect(items).toMatchObject([{ outcome: 'not reached' }]);
  expect(items[0]?.detail).toContain('It is 120.');
  expect(finished).toBe(false);
  const { cluster } = pile;
  await pile.sessions.close();
  await cluster.stop();
  // Whoever looks while it is down looks again.
  await expect(seen(plan)).rejects.toThrow(PrivilegedUnavailable);
  await cluster.start();
  pile = new PileUp(cluster);
  expect((await seen(plan)).items).toMatchObject([{ outcome: 'set' }]);
});
