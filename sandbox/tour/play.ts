import { count } from '../../src/runbook/snapshot/words.ts';
import { people } from '../stage.ts';
import type { Stage } from '../stage.ts';
import { toText } from '../message-text.ts';
import type { SlackMessage } from '../slack/workspace.ts';
import { maya } from './change.ts';
import type { Show } from './change.ts';
import { ask } from './room.ts';
import type { TourScene } from './scene.ts';
import { tourScenes } from './scenes.ts';

/** Plays scenes before an audience, all of them unless given; returns how many mistakes were seen. */
export async function playTour(
  stage: Stage,
  scenes: readonly TourScene[] = tourScenes(),
): Promise<number> {
  const began = performance.now();
  const show: Show = {
    stage,
    slack: stage.slack,
    say: (line) => console.log(withNames(line)),
    refusals: [],
  };
  const wrong: string[] = [];
  for (const scene of scenes) {
    const from = performance.now();
    const problems = await play(show, scene);
    const took = `${((performance.now() - from) / 1000).toFixed(1)} s`;
    wrong.push(...problems.map((problem) => `${scene.title}: ${problem}`));
    show.say(problems.length === 0 ? `\n✓ as it should be, ${took}` : `\n✗ ${problems.join('; ')}`);
  }
  wrong.push(...(await closeBooks(show)));
  const seconds = Math.round((performance.now() - began) / 1000);
  const verdict = wrong.length === 0 ? 'Everything was as it should be.' : wrong.join('\n');
  show.say(
    `\n${count(scenes.length, 'scene')} in ${seconds} s, ${count(wrong.length, 'mistake')}. ${verdict}`,
  );
  return wrong.length;
}

async function play(show: Show, scene: TourScene): Promise<readonly string[]> {
  const { stage } = show;
  show.say(`\n═══ ${scene.title}`);
  stage.newScene();
  try {
    for (const story of await scene.make(stage.patient)) show.say(story);
    const status = await (scene.read ?? askStatus)(show);
    const diagnosis = stage.shown();
    if (diagnosis === undefined) return ['nothing was looked at'];
    const isNamed = toText(status).includes(diagnosis.target);
    const helped = (await scene.help?.(show, { diagnosis, status })) ?? [];
    return [
      ...scene.judge(diagnosis),
      ...(isNamed ? [] : ['the message does not name the target']),
      ...helped,
    ];
  } catch (error) {
    // The scenes after this one are worth seeing all the same.
    return [error instanceof Error ? error.message : String(error)];
  } finally {
    await scene.clear(stage.patient);
  }
}

async function askStatus(show: Show): Promise<SlackMessage> {
  const status = await ask(show, maya, 'status');
  show.say(`\n${toText(status)}`);
  return status;
}

/** Slack's clients show a name where a message mentions somebody by id. */
function withNames(line: string): string {
  return people.reduce((text, { id, name }) => text.replaceAll(`@${id}`, `@${name}`), line);
}

/** What the journal says of the tour, and whether it can be believed. */
async function closeBooks({ stage, refusals, say }: Show): Promise<readonly string[]> {
  const verified = await stage.journal.verify();
  const kinds = (await stage.journal.entries()).map(({ kind }) => kind);
  const countOf = (kind: string, noun: string): string =>
    count(kinds.filter((one) => one === kind).length, noun);
  say(
    verified.ok
      ? `\nThe journal is whole: ${count(verified.entries, 'entry', 'entries')}, ${countOf('proposed', 'request')}, ${countOf('vote', 'vote')}. Refused: ${count(refusals.length, 'press or word', 'presses and words')}.`
      : `\n${verified.problem}`,
  );
  return verified.ok ? [] : [`the journal does not verify: ${verified.problem}`];
}
