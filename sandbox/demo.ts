import { parseArgs } from 'node:util';
import { setStage } from './stage.ts';
import { showPage } from './show-page.ts';
import { playTour } from './tour/play.ts';

const { values } = parseArgs({
  options: {
    tour: { type: 'boolean', default: false },
    seed: { type: 'string', default: '7' },
    port: { type: 'string' },
  },
});

console.log('The demo shortens the thresholds from minutes to seconds. Nothing else is staged.');
const stage = await setStage(
  Number(values.seed),
  values.port === undefined ? undefined : Number(values.port),
);
try {
  if (values.tour) process.exitCode = (await playTour(stage)) === 0 ? 0 : 1;
  else await showPage(stage);
} finally {
  await stage.close();
}
