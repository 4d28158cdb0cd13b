import { expect, test } from 'vitest';
import { PrivilegedUnavailable } from '../../src/runbook/remedies/remedy.ts';
import { Client } from 'pg';
import { signalBlocker, terminateSessions } from '../../src/postgres/privileged/signal-sessions.ts';
import { readTerminateCandidates } from '../../src/postgres/privileged/idle-sessions.ts';
import { readBlockers } from '../../src/postgres/privileged/blockers.ts';
import { quiet, recording, toPlan, valueOf } from '../runbook/remedies/pile-up.ts';
import { ask, guard, useLateStage } from './late-stage.ts';
import { heldLease, lostLease } from '../support/held-lease.ts';

const stage = useLateStage();

test('whoever asks to signal after the deadline, or with a lease that ran out, signals nobody', async () => {
  await stage().leak(1);
  const client = new Client({ connectionString: stage().cluster.url('acting') });
  await client.connect();
  const late = {
    async query(text: string, values: readonly unknown[]) {
      const { rows } = await client.query<Record<string, unknown>>(text, [...values]);
      const past = '2000-01-01T00:00:00.000000Z';
      return { rows: rows.map((row) => ('deadline' in row ? { deadline: past } : row)) };
    },
  };
  const states = ['idle in transaction'] as const;
  const query = { states, idleForMs: 1, application: null, guard: { ...guard, idleForMs: 1 } };
  const [found] = (await readTerminateCandidates(late, query)).sessions;
  if (found === undefined) throw new Error('Nothing to end.');
  const { pid } = found.identity;
  expect(
    await terminateSessions(late, [found.identity], { guard: query.guard, lease: heldLease }),
  ).toEqual([{ pid, outcome: 'too late' }]);
  const [{ identity } = { identity: undefined }] = await readBlockers(late, [pid], guard);
  if (identity === undefined) throw new Error('It is gone.');
  const how = { how: 'terminate', same: 'statement', queued: false, waiters: null } as const;
  expect(await signalBlocker(late, { identity, ...how }, { guard, lease: heldLease })).toBe(
    'too late',
  );
  const frozen = { guard: query.guard, lease: lostLease };
  await expect(terminateSessions(client, [found.identity], frozen)).rejects.toThrow('ran out');
  await expect(signalBlocker(client, { identity, ...how }, frozen)).rejects.toThrow('ran out');
  expect(await stage().alive()).toBe(1);
  await client.end();
});

test('an answer that was lost is no proof that nothing happened: it is looked at until no signal can arrive any more', async () => {
  await stage().leak(2);
  const remedy = stage().optionA();
  const plan = toPlan(valueOf(await remedy.propose(ask)));
  const { control, steps } = recording();
  const intend: typeof control.intend = (note) => {
    // It asks for the time, then it signals; that is on its way when the road breaks.
    stage().road.delayBy(500, 0);
    stage().road.cutAfter(2);
    return control.intend(note);
  };
  const running = remedy.run(plan, plan.targets, { ...control, intend });
  await expect(running).rejects.toThrow(PrivilegedUnavailable);
  expect(steps.map(({ kind }) => kind)).toEqual(['intended']);
  const { items, finished } = await remedy.recover({ plan, since: '', steps }, quiet);
  expect(finished).toBe(false);
  expect(await stage().alive()).toBe(0);
  expect(items.map(({ outcome }) => outcome)).toEqual(['unknown', 'unknown']);
});
