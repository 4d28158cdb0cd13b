import { afterEach, beforeEach, expect, test } from 'vitest';
import { optionA } from './cases/option-a.ts';
import { expectCards } from './faults/expect-true.ts';
import { openNight } from './faults/night.ts';
import type { Night } from './faults/night.ts';
import { approve, cardsOf, propose, untilEnded } from './faults/people.ts';
import { openStoryPatient } from './story/stage.ts';
import type { StoryPatient } from './story/stage.ts';

/** The process of the bot is stopped (SIGSTOP) between an approval and its end, and goes on later (SIGCONT). */

/** Far less than the half minute in which each bot goes round anyway. */
const soonMs = 10_000;
const away = { kind: 'unreachable', status: 503 } as const;

let storyPatient: StoryPatient;
let night: Night;
beforeEach(async () => {
  storyPatient = await openStoryPatient(7);
  night = await openNight(storyPatient, 'SQLite');
  await night.keeper.untilUp();
});
afterEach(async () => {
  await night.close();
  await storyPatient.close();
});

async function proposeOptionA(): Promise<string> {
  const { patient, engine } = night;
  await optionA.prepare({ patient, countCalls: engine.countCalls });
  return propose(night, 'A over 1ms');
}

function cardText(id: string): string {
  return cardsOf(night, id)[0]?.text ?? '';
}

async function cardIsRightAfterMs(): Promise<number> {
  const from = performance.now();
  await expectCards(night);
  return performance.now() - from;
}

test('a card that could not be written when the bot was frozen shows the end soon after it goes on', async () => {
  const id = await proposeOptionA();
  night.slack.interfere('chat.update', away, Number.POSITIVE_INFINITY);
  await approve(night, id);
  await untilEnded(night, id);
  expect(cardText(id)).toMatch(/^Proposed/);
  const frozen = night.keeper.freeze(7000);
  night.slack.interfere('chat.update', away, 0);
  await frozen;
  expect(await cardIsRightAfterMs()).toBeLessThan(soonMs);
});

test('a bot that was frozen between an approval and its end finishes it, and the card shows the end soon', async () => {
  const id = await proposeOptionA();
  await approve(night, id);
  await night.keeper.freeze(7000);
  await untilEnded(night, id);
  expect(await cardIsRightAfterMs()).toBeLessThan(soonMs);
});
