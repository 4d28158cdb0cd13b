import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { choosePoints, deal } from './story/choose-points.ts';
import { expectToldOnce } from './story/expect-told-once.ts';
import { nameOf } from './story/point.ts';
import type { Point } from './story/point.ts';
import { openStoryPatient, openStage } from './story/stage.ts';
import type { StoryPatient } from './story/stage.ts';
import { alert, end, takeCare, tellStory } from './story/tell-story.ts';

/** So many stories are told at once, each with a patient of its own: most of a story is waiting. */
const lanes = 3;
const killsInAStory = 5;
/** Longer than anything in the story waits for. */
const awayMs = 3000;

const unreached: string[] = [];
let storyPatients: StoryPatient[] = [];
beforeAll(async () => {
  storyPatients = await Promise.all(
    Array.from({ length: lanes }, (_, seed) => openStoryPatient(seed + 5)),
  );
});
afterAll(async () => {
  for (const storyPatient of storyPatients) await storyPatient.close();
});

function firstPatient(): StoryPatient {
  const [first] = storyPatients;
  if (first === undefined) throw new Error('There is no patient.');
  return first;
}

/** Tells the story with a death at each of the points, and returns what its bots did. */
async function tell(
  storyPatient: StoryPatient,
  points: readonly Point[],
): Promise<readonly string[]> {
  const stage = await openStage(storyPatient, points);
  try {
    await tellStory(stage);
    await stage.bots.stop();
    stage.bots.check();
    await expectToldOnce(stage);
    unreached.push(...stage.bots.left);
    return stage.bots.did;
  } catch (cause) {
    throw new Error(`Killed ${points.map(nameOf).join(', ')}: ${String(cause)}`, { cause });
  } finally {
    await stage.close();
  }
}

test('what fell due while nobody was there is done once at the next start', async () => {
  const stage = await openStage(firstPatient(), []);
  try {
    await alert(stage, 'firing');
    // Away while both calls fall due.
    await stage.bots.kill();
    await sleep(awayMs);
    stage.bots.goOn();
    await takeCare(stage);
    await alert(stage, 'resolved');
    // And while it would have been over.
    await stage.bots.kill();
    await sleep(awayMs);
    stage.bots.goOn();
    await end(stage);
    await stage.bots.stop();
    await expectToldOnce(stage);
    expect(stage.bots.deaths).toBe(3);
  } finally {
    await stage.close();
  }
});

test('killed anywhere between the alert and the first tick, the story is told whole and once', async () => {
  const stories = deal(choosePoints(await tell(firstPatient(), [])), killsInAStory);
  expect(stories.length).toBeGreaterThan(5);
  const points = stories.flat().length;
  unreached.splice(0);
  const waiting = [...stories];
  const problems: unknown[] = [];
  await Promise.all(
    storyPatients.map(async (storyPatient) => {
      for (let story = waiting.shift(); story !== undefined; story = waiting.shift()) {
        await tell(storyPatient, story).catch((error: unknown) => problems.push(error));
      }
    }),
  );
  if (problems.length > 0)
    throw new AggregateError(problems, `Not harness, or not once: ${problems.join('; ')}`);
  // What is gathered into one message, and so into one write, depends on how fast the machine is.
  expect(unreached.length).toBeLessThanOrEqual(points / 10);
});
