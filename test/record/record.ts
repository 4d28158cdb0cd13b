import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { findNeedless, findUnused, normaliseFolder } from './compare.ts';
import { saidOfChanges } from './fixtures/changes.ts';
import { saidOfIncidents } from './fixtures/incidents.ts';
import { saidOfLooks } from './fixtures/looks.ts';
import { saidOfOthers } from './fixtures/others.ts';
import { recordTour } from './play-tour.ts';
import { toFileName, write } from './write.ts';

/** Tests in which dbconn speaks: with a whole Slack, in a terminal, or by what it concludes. */
const suites = [
  'test/drills',
  'test/slack',
  'test/cli',
  'test/journal/command.test.ts',
  'test/runbook/diagnose',
  'test/runbook/doctor.test.ts',
];

/**
 * Writes down everything dbconn says: each message there can be, the drills, the tour. Two recordings of the same code
 * are the same, byte by byte; what had to be replaced for that is named in rules.ts. Beside the folder stands
 * `….raw`, what was really said.
 */
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { check: { type: 'boolean', default: false } },
});
const [folder = 'recording'] = positionals;
const problems = values.check ? findNeedless(positionals) : await record(folder);
for (const problem of problems) process.stderr.write(`${problem}\n`);
process.exitCode = problems.length === 0 ? 0 : 1;

async function record(into: string): Promise<readonly string[]> {
  const raw = `${into}.raw`;
  for (const old of [into, raw]) rmSync(old, { recursive: true, force: true });
  await recordFixtures(join(raw, 'fixtures'));
  const isGreen = await recordDrills(raw);
  const mistakes = await recordTour(raw);
  normaliseFolder(raw, into);
  return [
    ...(isGreen ? [] : ['A drill is red: what it recorded is not what is said.']),
    ...(mistakes === 0 ? [] : [`The tour saw ${mistakes} mistakes.`]),
    ...findUnused(into),
  ];
}

async function recordFixtures(into: string): Promise<void> {
  const all = {
    looks: saidOfLooks(),
    changes: await saidOfChanges(),
    incidents: await saidOfIncidents(),
    others: await saidOfOthers(),
  };
  for (const [part, said] of Object.entries(all)) {
    for (const [name, content] of Object.entries(said)) {
      write(join(into, part, `${toFileName(name)}.json`), content);
    }
  }
}

async function recordDrills(into: string): Promise<boolean> {
  const vitest = ['node_modules/vitest/vitest.mjs', 'run', '--project=main', ...suites];
  const child = spawn(process.execPath, vitest, {
    env: { ...process.env, DBCONN_RECORD: into },
    stdio: 'inherit',
  });
  await once(child, 'exit');
  return child.exitCode === 0;
}
