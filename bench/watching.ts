import { systemClock } from '../src/clock.ts';
import { readConfig, readEnvironment } from '../src/config.ts';
import { createPatients } from '../src/patients.ts';
import { createWatch } from '../src/runbook/incident/watch.ts';
import { noMeter } from '../src/runbook/ports/meter.ts';
import { createRunbook } from '../src/runbook/runbook.ts';
import type { Examination } from '../src/runbook/runbook.ts';
import type { LookMade } from './watch.ts';

/**
 * dbconn's watch over all targets of dbconn.yml in a process of its own, so that what it costs can be read off the
 * process: prints each look as a line of JSON. Ends with its standard input.
 */
const config = readConfig(readEnvironment());
const runbook = createRunbook(await createPatients(config, systemClock), systemClock);

async function examine(target: string): Promise<Examination> {
  const began = performance.now();
  const examination = await runbook.examine(target, 'sparing');
  const { state, reach } = examination.diagnosis;
  const tookMs = performance.now() - began;
  const made: LookMade = { at: Date.now(), target, tookMs, state, via: reach.via };
  process.stdout.write(`${JSON.stringify(made)}\n`);
  return examination;
}

const watch = createWatch({
  targets: runbook.targets.map(({ name }) => name),
  examine,
  everyMs: config.incidents.lookEveryMs,
  clock: systemClock,
  meter: noMeter,
  onExamined: () => Promise.resolve(),
  onFault(target, error) {
    console.error(target, error);
    process.exit(1);
  },
});
watch.start();
process.stdin.resume();
process.stdin.once('end', () => {
  void watch.stop().then(() => runbook.close());
});
