// `npm run test:all`: everything that `npm test` leaves out. Writes each suite's JSON report to DBCONN_TEST_REPORTS.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

const reports = process.env.DBCONN_TEST_REPORTS ?? mkdtempSync(join(tmpdir(), 'dbconn-reports-'));
mkdirSync(reports, { recursive: true });
const lines = [];
let isRed = false;

function tellWhatIsMissing() {
  const folders = (process.env.PATH ?? '').split(delimiter);
  const hasProgram = (name) => folders.some((folder) => existsSync(join(folder, name)));
  const programs = [
    'docker',
    'prometheus',
    'prometheus-alertmanager',
    'pgbouncer',
    'pgbench',
    'promtool',
  ];
  const missing = programs.filter((name) => !hasProgram(name));
  if (!existsSync(process.env.CHROMIUM_PATH ?? '/usr/bin/chromium')) missing.push('chromium');
  if (process.env.DBCONN_EXTRA_PG === undefined) missing.push('PostgreSQL 14, 16 and 17');
  if (missing.length === 0) return;
  console.log(
    `Not installed: ${missing.join(', ')}. Their tests count as failed. "bash .ci/run" installs everything.\n`,
  );
}

/** Runs one project of vitest.config.ts; what it prints is shown at once, or at its end where it runs beside others. */
async function run(suite, { beside = false } = {}) {
  const began = performance.now();
  const report = join(reports, `${suite}.json`);
  const words = ['run', `--project=${suite}`, '--reporter=default', '--reporter=json'];
  // On a shared machine an engine or a browser may stand still for longer than dbconn waits; vitest says who needed it.
  if (process.env.CI !== undefined && suite !== 'endurance') words.push('--retry=1');
  const child = spawn('vitest', [...words, `--outputFile.json=${report}`], {
    stdio: ['ignore', beside ? 'pipe' : 'inherit', beside ? 'pipe' : 'inherit'],
  });
  process.once('exit', () => child.kill());
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk) => (output += chunk));
  }
  const [code] = await once(child, 'close');
  process.stdout.write(output);
  const seconds = Math.round((performance.now() - began) / 1000);
  lines.push(`${suite}: ${readResult(report, code)} in ${seconds} s`);
}

function readResult(report, code) {
  if (!existsSync(report)) {
    isRed = true;
    return 'no report, so it did not run,';
  }
  const { numPassedTests, numFailedTests, numTotalTests } = JSON.parse(
    readFileSync(report, 'utf8'),
  );
  const skipped = numTotalTests - numPassedTests - numFailedTests;
  if (code !== 0 || skipped > 0) isRed = true;
  return `${numPassedTests} passed, ${numFailedTests} failed, ${skipped} skipped`;
}

for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1));
tellWhatIsMissing();
await run('more');
// The kills keep one processor busy for minutes, and what needs an engine, Prometheus or a browser mostly waits.
const crash = run('crash', { beside: true });
for (const suite of ['docker', 'alerts', 'browser']) await run(suite);
await crash;
// It measures, so nothing runs beside it.
await run('endurance');
console.log(`\n${lines.join('\n')}`);
process.exitCode = isRed ? 1 : 0;
