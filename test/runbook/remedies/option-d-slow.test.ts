import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { majors } from '../../support/breadth.ts';
import type { RemedyRequest } from '../../../src/runbook/remedies/remedy-request.ts';
import type { Session } from '../../support/sessions.ts';
import { until } from '../../support/until.ts';
import { PileUp, update, whyOf } from './pile-up.ts';

const slow: RemedyRequest = { kind: 'cancel-slow', runningForMs: 1000 };

describe.for(majors)('PostgreSQL %i', (major) => {
  let pile: PileUp;
  beforeAll(async () => {
    pile = await PileUp.start(major);
  });
  afterEach(() => pile.clear());
  afterAll(() => pile.close());

  async function runsFor(sessions: readonly Session[], ms: number): Promise<void> {
    await until(`${sessions.length} statements running for ${ms} ms`, async () => {
      const rows = await pile.sessions.ask(
        `SELECT FROM pg_stat_activity WHERE pid = ANY ($1) AND state = 'active'
            AND query_start < clock_timestamp() - $2 * interval '1 millisecond'`,
        [sessions.map(({ pid }) => pid), ms],
      );
      return rows.length === sessions.length;
    });
  }

  test('statements that run too long are cancelled, longest first; whoever waits for a lock or is protected is not', async () => {
    const older = await pile.works('SELECT 1');
    const younger = await pile.works('SELECT 1');
    const migration = await pile.open({ application: 'migrations' });
    migration.begin('SELECT pg_sleep(600)');
    const holder = await pile.holds(update(1));
    await pile.waitMany(update(1), 1);
    await runsFor([older, younger, migration], 1000);
    const plan = await pile.propose(slow);
    expect(plan).toMatchObject({
      title: 'Cancel 2 statements running for over 1 s',
      targets: [{ identity: { pid: older.pid } }, { identity: { pid: younger.pid } }],
      skipped: [{ what: `pid ${migration.pid}`, label: 'migrations' }],
      frees: { slots: 0 },
    });
    const report = await pile.run(plan);
    expect(report.items).toMatchObject([{ outcome: 'cancelled' }, { outcome: 'cancelled' }]);
    await older.run('ROLLBACK');
    await holder.run('ROLLBACK');
  });

  test('where no statement runs that long there is nothing to do', async () => {
    expect(whyOf(await pile.remedy().propose({ ...slow, runningForMs: 3_600_000 }))).toBe(
      'No statement has run for over 60 min.',
    );
  });
});
