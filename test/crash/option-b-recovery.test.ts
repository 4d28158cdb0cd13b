import { appendFile, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { startCluster } from '../../sandbox/patient/cluster.ts';
import type { Cluster } from '../../sandbox/patient/cluster.ts';
import { createSandboxServerHost } from '../../sandbox/patient/sandbox-server-host.ts';
import type { Plan } from '../../src/runbook/remedies/plan.ts';
import type { Remedy, Report, StepEntry } from '../../src/runbook/remedies/remedy.ts';
import {
  Died,
  OptionBOnCluster,
  planFor,
  recordSteps,
  runPlan,
} from '../runbook/remedies/option-b-on-cluster.ts';
import type { Death } from '../runbook/remedies/option-b-on-cluster.ts';
import { runSql } from '../support/sql.ts';

let cluster: Cluster;
let optionB: OptionBOnCluster;
let original: string;

beforeAll(async () => {
  cluster = await startCluster({ settings: { max_connections: 30 } });
  original = await readFile(configuration(), 'utf8');
});

afterEach(async () => {
  await optionB.close();
  await cluster.stop();
  await writeFile(configuration(), original);
  await writeFile(join(cluster.dataDirectory, 'postgresql.auto.conf'), '');
  await cluster.start();
});

afterAll(() => cluster.close());

function configuration(): string {
  return join(cluster.dataDirectory, 'postgresql.conf');
}

async function inForce(): Promise<string> {
  const [row] = await runSql<{ max_connections: string }>(cluster.url(), 'SHOW max_connections');
  return row?.max_connections ?? '';
}

async function traces(): Promise<{ readonly auto: string; readonly copies: number }> {
  const names = await readdir(cluster.dataDirectory);
  const auto = await readFile(join(cluster.dataDirectory, 'postgresql.auto.conf'), 'utf8');
  return { auto, copies: names.filter((name) => name.includes('.dbconn-')).length };
}

/** Runs until its death, and what the next dbconn makes of what it finds. */
async function dieAndRecover(
  plan: Plan,
  remedy: Remedy,
  death: Death,
): Promise<{ readonly report: Report; readonly steps: readonly StepEntry[] }> {
  const { control, steps } = recordSteps(death);
  await expect(runPlan(remedy, plan, control)).rejects.toThrow(Died);
  return { report: await recover(plan, steps), steps };
}

function recover(plan: Plan, steps: readonly StepEntry[]): Promise<Report> {
  const next = optionB.remedy();
  return next.recover({ plan, since: plan.plannedAt, steps }, recordSteps().control);
}

describe.for([true, false])('the last write is made: %s', (isWritten) => {
  // Six steps, each with an intent and an end.
  test.for([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12])(
    'killed at write %i of a raise, it ends on one side or the other, and says which',
    async (at) => {
      optionB = new OptionBOnCluster(cluster);
      const remedy = optionB.remedy();
      const plan = await planFor(remedy, 40);
      const { report, steps } = await dieAndRecover(plan, remedy, { at, isWritten });
      const [outcome] = report.items.map((item) => item.outcome);
      const isRestarted = steps.some(({ step, kind }) => step === 3 && kind === 'done');
      // At the end of the restart the server is up whether or not that was written.
      const wasRestarted = isRestarted || (at === 8 && !isWritten);
      expect(await inForce()).toBe(wasRestarted ? '40' : '30');
      const wasAltered = steps.some(({ step }) => step === 1);
      expect(outcome).toBe(wasRestarted ? 'set' : wasAltered ? 'put back' : 'not reached');
      const { auto, copies } = await traces();
      expect(auto.includes('max_connections')).toBe(wasRestarted);
      expect(copies).toBe(0);
    },
  );

  // Copy, ALTER SYSTEM and CHECKPOINT are six, then: the restart, putting back and its end, cleaning and its end.
  test.for([7, 8, 9, 10, 11])(
    'killed at write %i of a raise that cannot boot, the old value is back',
    async (at) => {
      optionB = new OptionBOnCluster(cluster);
      await appendFile(configuration(), '\nmax_locks_per_transaction = 20000\n');
      const remedy = optionB.remedy();
      const plan = await planFor(remedy, 20_000);
      const { report } = await dieAndRecover(plan, remedy, { at, isWritten });
      expect(report.items).toMatchObject([{ outcome: 'put back' }]);
      expect(await inForce()).toBe('30');
      expect(await traces()).toMatchObject({ copies: 0 });
      expect((await traces()).auto).not.toContain('max_connections');
    },
  );
});

describe.for([
  { at: 7, outcome: 'put back', value: '30' },
  { at: 8, outcome: 'set', value: '40' },
])('killed before write $at, and whoever finishes it is killed too', ({ at, outcome, value }) => {
  test.for([1, 2, 3, 4])('before its own write %i', async (secondAt) => {
    optionB = new OptionBOnCluster(cluster);
    const remedy = optionB.remedy();
    const plan = await planFor(remedy, 40);
    const first = recordSteps({ at, isWritten: false });
    await expect(runPlan(remedy, plan, first.control)).rejects.toThrow(Died);
    const second = recordSteps({ at: secondAt, isWritten: false });
    const broken = { plan, since: plan.plannedAt, steps: first.steps };
    await expect(optionB.remedy().recover(broken, second.control)).rejects.toThrow(Died);
    const report = await recover(plan, [...first.steps, ...second.steps]);
    expect(report.items).toMatchObject([{ outcome }]);
    expect(report.summary).not.toContain('somebody else');
    expect(await inForce()).toBe(value);
    expect(await traces()).toMatchObject({ copies: 0 });
  });
});

test('killed between stop and start, it starts PostgreSQL with the new value', async () => {
  optionB = new OptionBOnCluster(cluster);
  const host = createSandboxServerHost(cluster);
  const remedy = optionB.remedy({
    host: {
      readState: () => host.readState(),
      readLog: () => host.readLog(),
      stop: () => host.stop(),
      start: () => Promise.reject(new Died()),
      keepCopy: (files) => host.keepCopy(files),
      putBack: (files, kept) => host.putBack(files, kept),
      removeCopy: (files) => host.removeCopy(files),
    },
  });
  const plan = await planFor(remedy, 40);
  const { control, steps } = recordSteps();
  await expect(runPlan(remedy, plan, control)).rejects.toThrow(Died);
  const report = await recover(plan, steps);
  expect(report).toMatchObject({ finished: true, items: [{ outcome: 'set' }] });
  expect(await inForce()).toBe('40');
  expect(await traces()).toMatchObject({ copies: 0 });
});
