import { describe, expect, test } from 'vitest';
import { createBlockers } from '../../src/postgres/privileged/blockers.ts';

import { recording, toPlan, valueOf } from '../runbook/remedies/pile-up.ts';
import { until } from '../support/until.ts';
import { ask, guard, useLateStage } from './late-stage.ts';
import { heldLease } from '../support/held-lease.ts';
import { signalWithinMs } from '../../src/runbook/remedies/remedy.ts';

/** The road is slow only on the way there, so that each question arrives late and is answered at once. */
const lateMs = signalWithinMs + 300;
const stage = useLateStage();

describe('a statement that reaches PostgreSQL after its deadline', () => {
  test('ends no idle transaction, and the report says so', async () => {
    await stage().leak(2);
    const remedy = stage().optionA();
    const plan = toPlan(valueOf(await remedy.propose(ask)));
    const { control, steps } = recording();
    const intend: typeof control.intend = (note) => {
      stage().road.delayBy(lateMs, 0);
      return control.intend(note);
    };
    const report = await remedy.run(plan, plan.targets, { ...control, intend });
    expect(report.items.map(({ outcome }) => outcome)).toEqual(['not reached', 'not reached']);
    expect(report.finished).toBe(false);
    expect(steps.map(({ kind }) => kind)).toEqual(['intended', 'done']);
    expect(await stage().alive()).toBe(2);
  });

  test.each(['cancel', 'terminate'] as const)('does not %s a statement', async (how) => {
    const [session] = await stage().sessions.openMany(1, { user: 'app' });
    session?.begin('SELECT pg_sleep(600)');
    const pids = [session?.pid ?? 0];
    const blockers = createBlockers({ url: stage().urlByRoad() });
    const runs = async (): Promise<boolean> =>
      (await stage().sessions.ask(`SELECT FROM pg_stat_activity WHERE query ~ '^SELECT pg_sleep'`))
        .length === 1;
    await until('it runs', runs);
    const outcome = await blockers.act(async (privileged) => {
      const [found] = await privileged.readBlockers(pids, guard);
      if (found === undefined) throw new Error('It is gone.');
      stage().road.delayBy(lateMs, 0);
      const { identity } = found;
      const signal = { identity, how, same: 'statement', queued: false, waiters: null } as const;
      return privileged.signalBlocker(signal, { guard, lease: heldLease });
    });
    expect(outcome).toBe('too late');
    expect(await runs()).toBe(true);
  });
});
