import Table from 'cli-table3';
import { parseArgs } from 'node:util';
import { benchAcknowledgement } from './acknowledge.ts';
import { isInstalled } from './by-hand.ts';
import { benchLook } from './look.ts';
import type { LookResult } from './look.ts';
import { benchMemory } from './memory.ts';
import { benchStart } from './start.ts';
import { benchWatch } from './watch.ts';

const { values } = parseArgs({
  options: { json: { type: 'boolean', default: false }, runs: { type: 'string', default: '15' } },
});

const loads = [
  { idle: 100, waiters: 0 },
  { idle: 500, waiters: 0 },
  { idle: 2000, waiters: 0 },
  { idle: 20, waiters: 200 },
  { idle: 20, waiters: 1000 },
];

function printLook(results: readonly LookResult[]): void {
  const table = new Table({
    head: ['load', 'what', 'median ms', 'min ms', 'times the look'],
    colAligns: ['left', 'left', 'right', 'right', 'right'],
    style: { head: [], border: [] },
  });
  for (const { idle, waiters, timings } of results) {
    const [look] = timings;
    const load = waiters === 0 ? `${idle} sessions` : `${waiters} waiters on one row`;
    for (const timing of timings) {
      const ratio = timing.medianMs / (look?.medianMs ?? Number.NaN);
      table.push([
        load,
        timing.name,
        timing.medianMs.toFixed(1),
        timing.minMs.toFixed(1),
        ratio.toFixed(1),
      ]);
    }
  }
  console.log(table.toString());
}

if (!isInstalled('psql')) {
  console.error('The bench compares with psql: install it (Debian: postgresql-client).');
  process.exit(1);
}
const start = await benchStart(Number(values.runs));
const look: LookResult[] = [];
for (const load of loads) look.push(await benchLook(load, Number(values.runs)));
const acknowledgement = await benchAcknowledgement(100);
const memory = await benchMemory(21);
const watch = await benchWatch(200, 60_000);
if (values.json) {
  console.log(JSON.stringify({ start, look, acknowledgement, memory, watch }, null, 2));
} else {
  for (const { node, helpRatio, statusRatio, statusMs, statusPeakMb } of start) {
    console.log(
      `By Node ${node}: help takes ${helpRatio.toFixed(1)} times the processor time of \`node -e 0\`; status takes ${statusMs.toFixed(0)} ms, ${statusRatio.toFixed(2)} times as long as the six psql, and ${statusPeakMb.toFixed(0)} MB`,
    );
  }
  printLook(look);
  console.log(
    `Connections held per target: ${look.map(({ connections }) => connections).join(', ')}`,
  );
  console.log(
    `Acknowledgement of /dbconn while PostgreSQL is frozen: median ${acknowledgement.medianMs.toFixed(1)} ms, 99th percentile ${acknowledgement.p99Ms.toFixed(1)} ms (${acknowledgement.runs} commands)`,
  );
  console.log(
    `Resident memory of the bot with one target: ${memory.atRestMb.toFixed(0)} MB at rest, ${memory.oneTargetMb.toFixed(0)} MB after 420 checks; ${memory.perTargetMb.toFixed(2)} MB for each further one`,
  );
  console.log(
    `Watching ${watch.targets} targets every 15 s: 95 of 100 looks within ${watch.p95Seconds * 1000} ms, ${(watch.cpuShare * 100).toFixed(1)} % of one core, ${watch.residentMb.toFixed(0)} MB resident`,
  );
}
