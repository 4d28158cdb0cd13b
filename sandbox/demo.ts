import { parseArgs } from 'node:util';
import { incidentChannel, people, setStage } from './stage.ts';
import type { Stage } from './stage.ts';
import { toText } from './message-text.ts';
import { rescue } from './rescue.ts';
import { tourScenes } from './scenes.ts';
import type { TourScene } from './scenes.ts';

/** How long the bot may take from the command to its message; the slowest look is 4.5 s. */
const patienceMs = 30_000;
const [{ id: onCall }] = people;

const { values } = parseArgs({
  options: {
    tour: { type: 'boolean', default: false },
    seed: { type: 'string', default: '7' },
    port: { type: 'string' },
  },
});

/** Types `/dbconn …` as the person on call and returns the bot's message as text. */
async function ask(stage: Stage, text: string): Promise<string> {
  const seen = stage.slack.state.channels.flatMap(({ messages }) => messages.map(({ ts }) => ts));
  await stage.slack.typeCommand({
    user: onCall,
    channel: incidentChannel,
    text: `/dbconn ${text}`,
  });
  return stage.slack.waitFor(({ channels }) => {
    const channel = channels.find(({ id }) => id === incidentChannel);
    const fresh = channel?.messages.find(
      ({ ts, blocks }) => !seen.includes(ts) && (blocks?.length ?? 0) > 0,
    );
    return fresh === undefined ? undefined : toText(fresh);
  }, patienceMs);
}

async function play(stage: Stage, scene: TourScene): Promise<readonly string[]> {
  console.log(`\n═══ ${scene.title}`);
  stage.newScene();
  const stories = await scene.make(stage.patient);
  for (const story of stories) console.log(story);
  const [target] = stage.runbook.targets;
  try {
    console.log(`\n${people[0].realName}: /dbconn status\n`);
    const message = await ask(stage, 'status');
    console.log(message);
    const diagnosis = await stage.runbook.diagnose(target?.name ?? '');
    const shown = message.includes(diagnosis.target)
      ? []
      : ['the message does not name the target'];
    const restart = diagnosis.proposals.find(({ option }) => option === 'C')?.subject ?? '';
    const rescued = scene.rescued === true ? await rescue(stage, restart) : [];
    return [...scene.judge(diagnosis), ...shown, ...rescued];
  } finally {
    await scene.clear(stage.patient);
  }
}

async function tour(stage: Stage): Promise<number> {
  const wrong: string[] = [];
  for (const scene of tourScenes) {
    const problems = await play(stage, scene);
    wrong.push(...problems.map((problem) => `${scene.title}: ${problem}`));
    console.log(problems.length === 0 ? '\n✓ as it should be' : `\n✗ ${problems.join('; ')}`);
  }
  const verdict = wrong.length === 0 ? 'Every diagnosis was right.' : wrong.join('\n');
  console.log(`\n${tourScenes.length} scenes, ${wrong.length} mistakes. ${verdict}`);
  return wrong.length === 0 ? 0 : 1;
}

async function show(stage: Stage): Promise<void> {
  console.log(`The page: ${stage.slack.url}`);
  const stories = await stage.patient.trouble('connection-leak');
  console.log(`${stories.join(' ')}\n\n${people[0].realName}: /dbconn status\n`);
  console.log(await ask(stage, 'status'));
  console.log(`\nGo on at ${stage.slack.url}: type /dbconn help. Ctrl-C ends everything.`);
  await new Promise<void>((resolve) => {
    process.once('SIGINT', () => resolve());
    process.once('SIGTERM', () => resolve());
  });
}

console.log('The demo shortens the thresholds from minutes to seconds. Nothing else is staged.');
const stage = await setStage(
  Number(values.seed),
  values.port === undefined ? undefined : Number(values.port),
);
try {
  if (values.tour) process.exitCode = await tour(stage);
  else await show(stage);
} finally {
  await stage.close();
}
