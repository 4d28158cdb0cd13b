import { parseArgs } from 'node:util';
import { isPgBouncerInstalled } from './patient/pgbouncer.ts';
import { Trouble } from './patient/scenes/scene.ts';
import { setStage } from './stage.ts';
import { showPage } from './show-page.ts';
import { playTour } from './tour/play.ts';
import { tourScenes } from './tour/scenes.ts';
import { story } from './tour/story.ts';

const { values } = parseArgs({
  options: {
    tour: { type: 'boolean', default: false },
    /** One incident from its alert to its report, and nothing else of the tour. */
    story: { type: 'boolean', default: false },
    seed: { type: 'string', default: '7' },
    port: { type: 'string' },
    /** What is the matter when the page opens. */
    trouble: { type: 'string', default: 'connection-leak' },
  },
});
const trouble = Trouble.safeParse(values.trouble);
if (!trouble.success) {
  console.error(`There is no such trouble. It is one of ${Trouble.options.join(', ')}.`);
  process.exit(2);
}
if (!isPgBouncerInstalled && trouble.data === 'pooler-queue') {
  console.error(
    'That trouble is in PgBouncer, which is not installed. Install the package pgbouncer.',
  );
  process.exit(2);
}

// Whatever runs then is killed and removed by those who started it, when this process exits.
const quit = (): void => process.exit(130);
process.once('SIGINT', quit).once('SIGTERM', quit);

console.log('The demo shortens the thresholds from minutes to seconds. Nothing else is staged.');
if (!isPgBouncerInstalled && values.tour) {
  console.log('PgBouncer is not installed, so the night in it is left out.');
}
const isShow = values.tour || values.story;
const stage = await setStage({
  seed: Number(values.seed),
  brisk: isShow,
  ...(values.port !== undefined && { port: Number(values.port) }),
  // The tour's scenes would each open an incident.
  watch: !isShow,
});
try {
  if (isShow) {
    const mistakes = await playTour(stage, values.tour ? tourScenes() : [story]);
    process.exitCode = mistakes === 0 ? 0 : 1;
  } else {
    await showPage(stage, trouble.data);
    process.off('SIGINT', quit).off('SIGTERM', quit);
    await interrupted();
  }
} finally {
  await stage.close();
}

function interrupted(): Promise<void> {
  return new Promise((resolve) => {
    process.once('SIGINT', () => resolve()).once('SIGTERM', () => resolve());
  });
}
