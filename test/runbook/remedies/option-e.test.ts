import { readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { BackendProcess } from '../../../sandbox/patient/backend-process.ts';
import { startPatient } from '../../support/clusters.ts';
import type { Patient } from '../../../sandbox/patient/patient.ts';
import { systemClock } from '../../../src/timing.ts';
import { createDatabase } from '../../../src/postgres/lifeline.ts';
import type { Snapshot } from '../../../src/runbook/snapshot/snapshot.ts';
import { takeSnapshotOf } from '../../../src/runbook/snapshot/take-snapshot.ts';
import type { Database } from '../../../src/runbook/snapshot/ports.ts';
import type {
  OptionEPorts,
  PoolNumbers,
  PoolSettings,
} from '../../../src/runbook/remedies/e-resize-pool/ports.ts';
import { createOptionE } from '../../../src/runbook/remedies/e-resize-pool/resize-pool.ts';
import type { Plan } from '../../../src/runbook/remedies/plan.ts';
import type {
  Remedy,
  Report,
  RunControl,
  StepEntry,
} from '../../../src/runbook/remedies/remedy.ts';
import { heldLease } from '../../support/held-lease.ts';

/** Real processes on a real PostgreSQL, with a real `.env`; the look is the one the bot takes. */
let patient: Patient;
let database: Database;
beforeAll(async () => {
  patient = await startPatient({ seed: 11, maxConnections: 60 });
  database = createDatabase({
    target: 'shop',
    url: patient.urls.dbconn,
    providerReserved: 0,
    limits: patient.limits,
    clock: systemClock,
  });
});
afterAll(async () => {
  await database.close();
  await patient.close();
});

const service = 'resized';
let steps: StepEntry[];
let envFile: string;
let before: string;
let stoppedAt: string | undefined;
const control: RunControl = {
  isStopped: () =>
    Promise.resolve(
      stoppedAt !== undefined && steps.some(({ sentence }) => sentence === stoppedAt),
    ),
  intend: (note) => Promise.resolve(void steps.push({ ...note, kind: 'intended', at: '' })),
  record: (note) => Promise.resolve(void steps.push({ ...note, kind: 'done', at: '' })),
  lease: heldLease,
  progress: () => undefined,
};

beforeEach(async () => {
  steps = [];
  stoppedAt = undefined;
  const healthy = [`${service}-1: 6 + 4`, `${service}-2: 6 + 4`];
  if (running().join() !== healthy.join()) {
    await patient.fleet.stop([service]);
    const pool = { poolSize: 6, maxOverflow: 4, poolTimeoutSeconds: 5, largestPool: 8 };
    await patient.fleet.start([{ name: service, replicas: 2, role: 'app', ...pool }]);
  }
  const plan = await planned({ poolSize: 5, maxOverflow: 5 });
  const { path } = await editOf(plan);
  envFile = path;
  before = readFileSync(envFile, 'utf8');
});

function takeSnapshot(): Promise<Snapshot> {
  const [services, pools] = [patient.services(), patient.pools()];
  return takeSnapshotOf({ database, services, pools, clock: systemClock }, patient.target());
}

function remedy(settings: Partial<PoolSettings> = {}, change: Partial<OptionEPorts> = {}): Remedy {
  return createOptionE({
    poolSettings: { ...patient.services(), ...settings },
    takeSnapshot,
    clock: systemClock,
    target: patient.target(),
    refusedServices: [],
    refusedContainers: [],
    healthyWithinMs: 60_000,
    calmWithinMs: 30_000,
    shownWithinMs: 60_000,
    ...change,
  });
}

async function planned(size?: PoolNumbers): Promise<Plan> {
  const ask = { kind: 'resize-pool', service, ...(size !== undefined && { size }) } as const;
  const drafted = await remedy().propose(ask);
  if (!drafted.ok) throw new Error(`${drafted.refusal.why} ${drafted.refusal.next}`);
  return { ...drafted.value, policyVersion: '', plannedAt: '' };
}

async function editOf({ targets }: Plan): Promise<{ path: string; oldSha256: string | null }> {
  const [pool] = targets;
  if (pool?.kind !== 'pool') throw new Error('The plan names no pool.');
  const answer = await patient.services().planEdit({ service, ids: [], to: pool.to });
  if (!answer.ok) throw new Error(answer.problem.summary);
  expect(answer.value.edit.oldSha256).toBe(pool.envSha256);
  return answer.value.edit;
}

function replicas(): readonly BackendProcess[] {
  return patient.fleet.replicasOf(service);
}

function running(): string[] {
  return replicas().map(({ name, options, running: runs }) => {
    return `${name}: ${options.poolSize} + ${options.maxOverflow}${runs ? '' : ', down'}`;
  });
}

function outcomesOf({ items }: Report): string[] {
  return items.map(({ what, outcome }) => `${what}: ${outcome}`);
}

test('down: the plan names the numbers, what it costs and the way back, and the pools show them', async () => {
  const plan = await planned({ poolSize: 3, maxOverflow: 1 });
  expect(plan).toMatchObject({
    title: `Resize the pool of ${service} from 6 + 4 to 3 + 1, 2 containers`,
    targets: [
      { kind: 'pool', from: { poolSize: 6, maxOverflow: 4 }, to: { poolSize: 3 }, processes: 2 },
      { name: `${service}-1` },
      { name: `${service}-2` },
    ],
    undoAsk: { kind: 'resize-pool', service, size: { poolSize: 6, maxOverflow: 4 } },
  });
  expect(plan.steps).toEqual([
    'Keep a copy of .env',
    'Write DATABASE_POOL_SIZE=3 and DATABASE_MAX_OVERFLOW=1 into .env',
    `Recreate ${service}-1 and wait until it is healthy`,
    `Recreate ${service}-2 and wait until it is healthy`,
    'Check the new numbers in the pool metrics',
    'Remove the copy of .env',
  ]);
  const report = await remedy().run(plan, plan.targets, control);
  expect(report).toMatchObject({
    finished: true,
    summary: 'Of 2 containers: 2 recreated. Its containers and its pool metrics show 3 + 1.',
  });
  expect(running()).toEqual([`${service}-1: 3 + 1`, `${service}-2: 3 + 1`]);
  expect(readFileSync(envFile, 'utf8')).toBe(
    `${before}DATABASE_POOL_SIZE=3\nDATABASE_MAX_OVERFLOW=1\n`,
  );
  expect(readdirSync(dirname(envFile))).toEqual(['.env']);
  expect([...new Set(steps.map(({ step }) => step))]).toEqual(plan.steps.map((_, index) => index));
  expect(JSON.stringify(steps)).not.toContain('not for the journal');

  const back = await planned({ poolSize: 6, maxOverflow: 4 });
  await remedy().run(back, back.targets, control);
  expect(running()).toEqual([`${service}-1: 6 + 4`, `${service}-2: 6 + 4`]);
});

test('up: larger pools that fit are given', async () => {
  const plan = await planned({ poolSize: 8, maxOverflow: 4 });
  expect(plan.frees).toMatchObject({ slots: 0 });
  const report = await remedy().run(plan, plan.targets, control);
  expect(report.finished).toBe(true);
  expect(running()).toEqual([`${service}-1: 8 + 4`, `${service}-2: 8 + 4`]);
});

test('numbers that let all pools together exceed the server are refused with the ledger’s sum', async () => {
  const ask = { kind: 'resize-pool', service, size: { poolSize: 40, maxOverflow: 0 } } as const;
  const answer = await remedy().propose(ask);
  expect(answer).toMatchObject({ refusal: { kind: 'over-budget' } });
  expect(JSON.stringify(answer)).toContain(`2 x (40 + 0) = 80 for ${service}`);
});

test('a value the backend does not start with ends where it began, and shows the last words', async () => {
  const ids = replicas().map(({ id }) => id);
  const plan = await planned({ poolSize: 9, maxOverflow: 0 });
  const report = await remedy().run(plan, plan.targets, control);
  expect(outcomesOf(report)).toEqual([
    '.env: put back',
    `${service}-1: put back`,
    `${service}-2: not reached`,
  ]);
  expect(report.items[1]?.lines.join('\n')).toContain('a pool of more than 8 does not fit');
  expect(report.summary).toContain('The new numbers did not work. They were undone');
  expect(running()).toEqual([`${service}-1: 6 + 4`, `${service}-2: 6 + 4`]);
  expect(replicas().map(({ id }) => id)).toEqual(ids);
  expect(readFileSync(envFile, 'utf8')).toBe(before);
  expect(readdirSync(dirname(envFile))).toEqual(['.env']);
});

/** The second container's machine has less memory than the first one's. */
function secondIsSmaller(): Partial<PoolSettings> {
  const second = replicas()[1]?.id;
  const services = patient.services();
  return {
    recreateReplica: (replica, wanted) =>
      services.recreateReplica(replica, {
        ...wanted,
        environment: replica.id === second ? { poolSize: 9, maxOverflow: 1 } : wanted.environment,
      }),
  };
}

function expectAllBack(report: Report): void {
  expect(outcomesOf(report)).toEqual([
    '.env: put back',
    `${service}-1: put back`,
    `${service}-2: put back`,
  ]);
  expect(running()).toEqual([`${service}-1: 6 + 4`, `${service}-2: 6 + 4`]);
  expect(readFileSync(envFile, 'utf8')).toBe(before);
  expect(readdirSync(dirname(envFile))).toEqual(['.env']);
}

test('a value that only the second container does not start with is taken back from the first too', async () => {
  const plan = await planned({ poolSize: 5, maxOverflow: 1 });
  const report = await remedy(secondIsSmaller()).run(plan, plan.targets, control);
  expect(report.summary).toContain('The new numbers did not work');
  expectAllBack(report);
});

test('numbers that the pools’ own metrics do not show are taken back, and the report says what they show', async () => {
  const plan = await planned({ poolSize: 5, maxOverflow: 1 });
  const services = patient.services();
  /** As an application that takes its pool from somewhere else: the environment has the numbers, the pool has not. */
  const deaf: Partial<PoolSettings> = {
    recreateReplica: async (replica, wanted) => {
      const environment = { poolSize: 6, maxOverflow: 4 };
      const outcome = await services.recreateReplica(replica, { ...wanted, environment });
      return { ...outcome, environment: wanted.environment };
    },
  };
  const report = await remedy(deaf, { shownWithinMs: 100 }).run(plan, plan.targets, control);
  expect(report).toMatchObject({ finished: false });
  expect(report.summary).toContain(
    'Its pool metrics still show 6: the application does not use these variables. They were undone: the containers have 6 + 4 as before.',
  );
  expectAllBack(report);
});

test.for([
  ['before the first is taken back', `recreate ${service}-1`, 2],
  ['after the first was taken back', `${service}-1: recreated`, 2],
  ['before .env is put back', 'restore the old .env', 1],
] as const)('cut off %s, the next start takes the rest back', async ([, sentence, nth]) => {
  const plan = await planned({ poolSize: 5, maxOverflow: 1 });
  const cutOff = (note: { readonly sentence: string }): void => {
    const seen = steps.filter((step) => step.sentence === sentence).length;
    if (note.sentence === sentence && seen === nth - 1) throw new Error('cut off');
  };
  const dying: RunControl = {
    ...control,
    intend: async (note) => {
      cutOff(note);
      await control.intend(note);
    },
    record: async (note) => {
      cutOff(note);
      await control.record(note);
    },
  };
  const settings = secondIsSmaller();
  await expect(remedy(settings).run(plan, plan.targets, dying)).rejects.toThrow('cut off');
  expectAllBack(await remedy(settings).recover({ plan, since: '', steps }, control));
});

test('an emergency stop before the first container puts .env back; after it, both numbers and the way on are told', async () => {
  const plan = await planned({ poolSize: 3, maxOverflow: 1 });
  stoppedAt = '.env has the new numbers';
  const early = await remedy().run(plan, plan.targets, control);
  expect(outcomesOf(early)).toEqual([
    '.env: put back',
    `${service}-1: not reached`,
    `${service}-2: not reached`,
  ]);
  expect(readFileSync(envFile, 'utf8')).toBe(before);

  steps = [];
  stoppedAt = `${service}-1: recreated`;
  const late = await remedy().run(plan, plan.targets, control);
  expect(late.finished).toBe(false);
  expect(late.summary).toContain('1 of 2 containers and .env have the new numbers');
  expect(running()).toEqual([`${service}-1: 3 + 1`, `${service}-2: 6 + 4`]);
  expect(readdirSync(dirname(envFile))).toEqual(['.env']);
});

/** As an engine that does not answer whether it stops the first container: it does, once it was looked at so often, or never. */
function stoppingLate(afterLooks: number): {
  settings: Partial<PoolSettings>;
  looks: () => number;
} {
  const services = patient.services();
  let looks = 0;
  const settings: Partial<PoolSettings> = {
    recreateReplica: async (replica) => {
      const { result: _, ...seen } = await services.settleReplica(replica, 0);
      const problem = { kind: 'timeout', summary: 'Docker may still stop it.' } as const;
      return { ...seen, result: 'unknown', mayFollow: true, problem };
    },
    settleReplica: async (replica, withinMs) => {
      looks += 1;
      if (looks === afterLooks) await replicas()[0]?.stop();
      return services.settleReplica(replica, withinMs);
    },
  };
  return { settings, looks: () => looks };
}

/** A clock on which nobody waits. */
function hasty(): OptionEPorts['clock'] {
  let passedMs = 0;
  return {
    now: () => Date.now() + passedMs,
    sleep: (ms) => Promise.resolve(void (passedMs += ms)),
  };
}

test('a change that Docker has not answered is looked at until it shows, and then it is mended', async () => {
  const plan = await planned({ poolSize: 3, maxOverflow: 1 });
  const { settings, looks } = stoppingLate(3);
  const report = await remedy(settings, { clock: hasty() }).run(plan, plan.targets, control);
  expect(looks()).toBe(3);
  expect(outcomesOf(report)).toEqual([
    '.env: put back',
    `${service}-1: put back`,
    `${service}-2: not reached`,
  ]);
  expect(running()).toEqual([`${service}-1: 6 + 4`, `${service}-2: 6 + 4`]);
  expect(readFileSync(envFile, 'utf8')).toBe(before);
});

test('a change that Docker never answers stays unknown, and nothing is said to be as before', async () => {
  const plan = await planned({ poolSize: 3, maxOverflow: 1 });
  const { settings, looks } = stoppingLate(Number.POSITIVE_INFINITY);
  const report = await remedy(settings, { clock: hasty() }).run(plan, plan.targets, control);
  expect(looks()).toBeGreaterThan(3);
  expect(report.finished).toBe(false);
  expect(outcomesOf(report)).toEqual([
    '.env: unknown',
    `${service}-1: unknown`,
    `${service}-2: not reached`,
  ]);
  expect(report.items[1]?.detail).toContain('Docker may still stop it.');
  const copy = readdirSync(dirname(envFile)).find((name) => name !== '.env') ?? '';
  expect(readFileSync(join(dirname(envFile), copy), 'utf8')).toBe(before);
  writeFileSync(envFile, before);
  rmSync(join(dirname(envFile), copy));
});

test('an edited .env, another container and a plan of yesterday leave nothing to run', async () => {
  const plan = await planned({ poolSize: 3, maxOverflow: 1 });
  expect(await remedy().recheck(plan)).toEqual({ left: plan.targets, skipped: [] });
  const [pool, ...others] = plan.targets;
  if (pool?.kind !== 'pool') throw new Error('The plan names no pool.');
  const yesterday = { ...plan, targets: [{ ...pool, envSha256: 'another' }, ...others] };
  expect(await remedy().recheck(yesterday)).toMatchObject({
    left: [],
    skipped: [{ what: '.env', reason: '.env was edited since' }, {}, {}],
  });
  const fewer = { ...plan, targets: plan.targets.slice(0, 2) };
  expect(await remedy().recheck(fewer)).toMatchObject({
    left: [],
    skipped: [{ reason: 'the containers were replaced since' }, {}],
  });
});

test('a container that was stopped since the plan is not started by it', async () => {
  const plan = await planned({ poolSize: 3, maxOverflow: 1 });
  const [, second] = replicas();
  await second?.stop();
  const name = `${service}-2`;
  const { left, skipped } = await remedy().recheck(plan);
  expect(left).toEqual([]);
  expect(skipped[0]?.reason).toBe(`${name} is no longer running`);
});

test('without a project directory it refuses, and says which two lines to write', async () => {
  const problem = { kind: 'not-configured', summary: 'There is no directory.' } as const;
  const settings = { planEdit: () => Promise.resolve({ ok: false, problem } as const) };
  const size = { poolSize: 3, maxOverflow: 1 };
  const answer = await remedy(settings).propose({ kind: 'resize-pool', service, size });
  expect(answer).toMatchObject({ refusal: { kind: 'no-env-file' } });
  expect(JSON.stringify(answer)).toContain('set DATABASE_POOL_SIZE=3 and DATABASE_MAX_OVERFLOW=1');
});

test('PostgreSQL, dbconn’s own services and unknown ones are refused', async () => {
  const refusedServices = [service];
  const kindOf = async (name: string): Promise<string | undefined> => {
    const answer = await remedy({}, { refusedServices }).propose({
      kind: 'resize-pool',
      service: name,
    });
    return answer.ok ? undefined : answer.refusal.kind;
  };
  expect(await kindOf('postgres')).toBe('postgres');
  expect(await kindOf(service)).toBe('own-service');
  expect(await kindOf('nobody')).toBe('unknown-service');
});

test('without numbers a pool that fits is left alone', async () => {
  const answer = await remedy().propose({ kind: 'resize-pool', service });
  expect(answer).toMatchObject({ refusal: { kind: 'nothing-to-do' } });
});
