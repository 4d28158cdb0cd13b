import { expect, test } from 'vitest';
import { stopNotice } from '../../../src/runbook/approvals/notices.ts';
import { refusalOf, valueOf } from './answers.ts';
import { ann, bob } from './builders.ts';
import { useWorld } from './world.ts';

const world = useWorld();

const ask = { kind: 'idle-in-transaction', idleForMs: 600_000 } as const;
const stopSwitch = {
  by: 'the file of approval.stopFile',
  at: '2026-11-23T03:00:00.000Z',
  reason: 'moving the disks',
  lift: 'Whoever has the machine removes it.',
};

test('a stop set on the machine holds at once, and only the machine lifts it', async () => {
  const approvals = await world.approvals();
  const { id } = valueOf(await approvals.propose({ target: 'shop', ask, actor: ann }));
  world.stopSwitch = stopSwitch;
  const refused = refusalOf(await approvals.approve(id, bob));
  expect(refused).toEqual({
    kind: 'stopped',
    why: 'All changes are stopped by the file of approval.stopFile.',
    next: stopSwitch.lift,
  });
  expect(valueOf(await approvals.stopped())).toEqual(stopSwitch);
  expect(stopNotice(stopSwitch)).toEqual({
    headline: `All changes are stopped by ${stopSwitch.by}. ${stopSwitch.lift}`,
    quote: 'moving the disks',
  });
  expect(refusalOf(await approvals.go(bob))).toMatchObject({
    kind: 'stopped',
    next: stopSwitch.lift,
  });
  world.stopSwitch = undefined;
  expect(valueOf(await approvals.stopped())).toBeNull();
  expect(valueOf(await approvals.approve(id, bob)).state).toBe('approved');
  await approvals.settled(id);
});

test('lifting it on the machine does not lift what somebody said in Slack', async () => {
  const approvals = await world.approvals();
  await approvals.stop(ann, 'wrong database');
  world.stopSwitch = stopSwitch;
  refusalOf(await approvals.go(bob));
  world.stopSwitch = undefined;
  expect(valueOf(await approvals.stopped())).toMatchObject({ by: '<@UANN>' });
  valueOf(await approvals.go(bob));
  expect(valueOf(await approvals.stopped())).toBeNull();
});

test('a remedy that runs sees it between two steps, and one that has not begun does not begin', async () => {
  const approvals = await world.approvals();
  const seen: boolean[] = [];
  world.remedy.during = async (control) => {
    seen.push(await control.isStopped());
    world.stopSwitch = stopSwitch;
    seen.push(await control.isStopped());
  };
  const { id } = valueOf(await approvals.propose({ target: 'shop', ask, actor: ann }));
  await approvals.approve(id, bob);
  await approvals.settled(id);
  expect(seen).toEqual([false, true]);
});
