import { afterEach, beforeEach, expect, test } from 'vitest';
import { stopNotice } from '../../../src/runbook/approval/stop-notice.ts';
import { refusalOf, valueOf } from './answers.ts';
import { ann, bob } from './builders.ts';
import { createWorld } from './world.ts';
import type { World } from './world.ts';

let world: World;
beforeEach(() => {
  world = createWorld();
});
afterEach(() => {
  world.close();
  if (world.faults.length > 0) throw new AggregateError(world.faults, 'An execution broke.');
});

const ask = { kind: 'idle-in-transaction', idleForMs: 600_000 } as const;
const brake = {
  by: 'the file of approval.stopFile',
  at: '2026-11-23T03:00:00.000Z',
  reason: 'moving the disks',
  lift: 'Whoever has the machine removes it.',
};

test('a stop set on the machine holds at once, and only the machine lifts it', async () => {
  const door = await world.door();
  const { id } = valueOf(await door.propose({ target: 'shop', ask, actor: ann }));
  world.brake = brake;
  const refused = refusalOf(await door.approve(id, bob));
  expect(refused).toEqual({
    kind: 'stopped',
    why: 'All changes are stopped, by the file of approval.stopFile.',
    next: brake.lift,
  });
  expect(valueOf(await door.stopped())).toEqual(brake);
  expect(stopNotice(brake)).toEqual({
    headline: `All changes are stopped, by ${brake.by}. ${brake.lift}`,
    quote: 'moving the disks',
  });
  expect(refusalOf(await door.go(bob))).toMatchObject({ kind: 'stopped', next: brake.lift });
  world.brake = undefined;
  expect(valueOf(await door.stopped())).toBeNull();
  expect(valueOf(await door.approve(id, bob)).state).toBe('approved');
  await door.settled(id);
});

test('lifting it on the machine does not lift what somebody said in Slack', async () => {
  const door = await world.door();
  await door.stop(ann, 'wrong database');
  world.brake = brake;
  refusalOf(await door.go(bob));
  world.brake = undefined;
  expect(valueOf(await door.stopped())).toMatchObject({ by: '<@UANN>' });
  valueOf(await door.go(bob));
  expect(valueOf(await door.stopped())).toBeNull();
});

test('a remedy that runs sees it between two steps, and one that has not begun does not begin', async () => {
  const door = await world.door();
  const seen: boolean[] = [];
  world.remedy.during = async (control) => {
    seen.push(await control.isStopped());
    world.brake = brake;
    seen.push(await control.isStopped());
  };
  const { id } = valueOf(await door.propose({ target: 'shop', ask, actor: ann }));
  await door.approve(id, bob);
  await door.settled(id);
  expect(seen).toEqual([false, true]);
});
