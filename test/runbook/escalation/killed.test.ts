import { describe, expect, test } from 'vitest';
import type { EscalatorDeps } from '../../../src/runbook/escalation/escalator-deps.ts';
import { bob } from '../approvals/builders.ts';
import { Killed, killedAt } from './killed-at.ts';
import type { Moment } from './killed-at.ts';
import { aStep, minuteMs, openSwitchboard } from './switchboard.ts';
import type { Switchboard } from './switchboard.ts';

/** Three calls that fall due together, somebody who takes it, and the end. */
async function play(board: Switchboard, log: EscalatorDeps['log']): Promise<void> {
  let escalator = board.escalator({ log });
  let isKilled = false;
  const round = async (): Promise<void> => {
    try {
      await board.advance(escalator);
    } catch (error) {
      if (!(error instanceof Killed)) throw error;
      isKilled = true;
      escalator = board.escalator();
      await board.advance(escalator);
    }
    board.clock.nowMs += 10_000;
  };
  await board.open({
    policy: [
      aStep({ afterMs: minuteMs }),
      aStep({ who: 'backend-lead', afterMs: minuteMs }),
      aStep({ who: 'on-call', afterMs: minuteMs }),
    ],
  });
  for (let rounds = 0; rounds < 12; rounds += 1) await round();
  await board.change({ assignee: { by: bob, at: new Date(board.clock.now()).toISOString() } });
  for (let rounds = 0; rounds < 3; rounds += 1) await round();
  await board.change({}, 'resolved');
  for (let rounds = 0; rounds < 3; rounds += 1) await round();
  if (!isKilled && log !== board.journal) throw new Error('It was never killed.');
}

async function story(write: number, moment: Moment): Promise<readonly unknown[]> {
  const board = await openSwitchboard();
  try {
    await play(board, write === 0 ? board.journal : killedAt(board.journal, write, moment));
    const { pager, escalations } = await board.read();
    return [
      board.messages.map(({ to, key }) => [to, key]),
      board.pagerDuty.pages.map(({ key, state }) => [key, state]),
      escalations.map(({ id, state }) => [id, state]),
      pager,
    ];
  } finally {
    await board.close();
  }
}

/** Two writes for each of three calls, one for the acknowledgement, one for the resolution. */
const writes = Array.from({ length: 8 }, (_, index) => index + 1);

describe.for(['before', 'after'] as const)('killed %s a write', (moment) => {
  test.for(writes)(
    'the %i., it calls everybody exactly once and closes the page',
    async (write) => {
      expect(await story(write, moment)).toEqual(await story(0, moment));
    },
  );
});

test('killed between the page and its record however often, on-call is paged once more and nobody is called another way', async () => {
  const board = await openSwitchboard();
  try {
    await board.open({ policy: [aStep({ who: 'on-call', afterMs: minuteMs })] });
    board.clock.nowMs += 2 * minuteMs;
    for (let kills = 0; kills < 3; kills += 1) {
      const attending = board.advance(
        board.escalator({ log: killedAt(board.journal, 2, 'before') }),
      );
      await expect(attending).rejects.toThrow(Killed);
    }
    await board.advance(board.escalator());
    const { escalations } = await board.read();
    expect(escalations).toMatchObject([{ via: 'pager', state: 'sent', tries: 1 }]);
    expect(board.pagerDuty.pages).toHaveLength(1);
    expect(board.messages).toEqual([]);
  } finally {
    await board.close();
  }
});

test('the story itself has all of it', async () => {
  const [messages, pages, steps, pager] = await story(0, 'before');
  expect(messages).toHaveLength(2);
  expect(pages).toEqual([['dbconn/shop/inc-0abc1234', 'resolved']]);
  expect(steps).toHaveLength(3);
  expect(pager).toBe('resolved');
});
