import { appendFile, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Client } from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { majors } from '../../support/breadth.ts';
import { startCluster } from '../../support/clusters.ts';
import type { Cluster } from '../../../sandbox/patient/cluster.ts';
import { StubbornClient } from '../../support/stubborn-client.ts';
import { until } from '../../support/until.ts';
import { createRecoveringHost } from './recovering-host.ts';
import { OptionBOnCluster, planFor, recordSteps, runPlan } from './option-b-on-cluster.ts';

describe.for(majors)('PostgreSQL %i', (major) => {
  let cluster: Cluster;
  let optionB: OptionBOnCluster;
  const pools = new Set<StubbornClient>();

  let original: string;

  beforeAll(async () => {
    cluster = await startCluster({ major, settings: { max_connections: 30 } });
    original = await readFile(configuration(), 'utf8');
    await ask('CREATE ROLE acting LOGIN');
    await ask('GRANT pg_monitor TO acting');
  });

  beforeEach(() => {
    optionB = new OptionBOnCluster(cluster);
  });

  afterEach(async () => {
    await Promise.all([...pools].map((pool) => pool.close()));
    pools.clear();
    await optionB.close();
    await cluster.stop();
    await writeFile(configuration(), original);
    await writeFile(join(cluster.dataDirectory, 'postgresql.auto.conf'), '');
    for (const name of await copies()) await rm(join(cluster.dataDirectory, name));
    await cluster.start();
  });

  afterAll(() => cluster.close());

  const configuration = (): string => join(cluster.dataDirectory, 'postgresql.conf');

  async function ask(sql: string): Promise<string> {
    const client = new Client({ connectionString: cluster.url() });
    await client.connect();
    try {
      const { rows } = await client.query<Record<string, unknown>>(sql);
      return String(Object.values(rows[0] ?? {})[0]);
    } finally {
      await client.end();
    }
  }

  function openPool(): StubbornClient {
    const pool = new StubbornClient(() => cluster.url());
    pools.add(pool);
    return pool;
  }

  const autoConf = (): Promise<string> =>
    readFile(join(cluster.dataDirectory, 'postgresql.auto.conf'), 'utf8');

  async function copies(): Promise<string[]> {
    const names = await readdir(cluster.dataDirectory);
    return names.filter((name) => name.includes('.dbconn-'));
  }

  test('raises by half as many again, restarts, and sees the value in force and the application back', async () => {
    await openPool().untilOpen();
    const remedy = optionB.remedy();
    const plan = await planFor(remedy);
    expect(plan).toMatchObject({
      title: 'Raise max_connections from 30 to 50 with a restart',
      ask: { to: 50 },
      targets: [{ name: 'max_connections', from: null, to: '50', inForce: '30' }],
      undoAsk: { to: 30 },
      risk: 'high',
    });
    const startedAt = await ask('SELECT pg_postmaster_start_time()::text');
    const { control, steps } = recordSteps();
    const report = await runPlan(remedy, plan, control);
    expect(report).toMatchObject({ finished: true, items: [{ outcome: 'set' }] });
    expect(report.summary).toMatch(
      /max_connections is 50\. backend [1-9] session.*\(1 before\)\.$/,
    );
    expect(await ask('SHOW max_connections')).toBe('50');
    expect(await ask('SELECT pg_postmaster_start_time()::text')).not.toBe(startedAt);
    expect(await copies()).toEqual([]);
    expect(steps.map(({ step, kind }) => `${step} ${kind}`)).toEqual(
      plan.steps.flatMap((_, step) => [`${step} intended`, `${step} done`]),
    );
  });

  test('does not wait a minute for an application whose pool was idle, and says that it was', async () => {
    const idle = new Client({ connectionString: cluster.url(), application_name: 'backend' });
    idle.on('error', () => undefined); // cut off by the restart
    await idle.connect();
    const remedy = optionB.remedy();
    const report = await runPlan(remedy, await planFor(remedy, 40), recordSteps().control);
    expect(report).toMatchObject({ finished: true, items: [{ outcome: 'set' }] });
    expect(report.summary).toContain('max_connections is 40. backend 0 sessions (1 before).');
    expect(report.summary).toContain(
      'Idle before, and reconnecting with the next request: backend.',
    );
    expect(report.summary).not.toContain('Not reconnected');
  });

  test('undoes it: the file rules again as it did before', async () => {
    const remedy = optionB.remedy();
    const plan = await planFor(remedy, 45);
    await runPlan(remedy, plan, recordSteps().control);
    const undo = await planFor(remedy, 30);
    expect(undo).toMatchObject({
      title: 'Lower max_connections from 45 to 30 with a restart',
      targets: [{ from: '45', to: null, inForce: '45' }],
    });
    const report = await runPlan(remedy, undo, recordSteps().control);
    expect(report.finished).toBe(true);
    expect(await ask('SHOW max_connections')).toBe('30');
    expect(await autoConf()).not.toContain('max_connections');
  });

  test('puts the old file back when PostgreSQL cannot boot with the new value, and says so', async () => {
    // Somebody edited the file and never restarted: with many connections it asks for 160 GB of locks.
    await appendFile(configuration(), '\nmax_locks_per_transaction = 20000\n');
    await openPool().untilOpen();
    const remedy = optionB.remedy();
    const plan = await planFor(remedy, 20_000);
    const { control, steps } = recordSteps();
    const report = await runPlan(remedy, plan, control);
    const why = 'there is not enough shared memory';
    expect(report).toMatchObject({
      finished: false,
      items: [{ outcome: 'put back' }],
      summary: `PostgreSQL did not start with max_connections = 20000: ${why}. The old value is restored: PostgreSQL runs with max_connections = 30.`,
    });
    expect(report.items[0]?.lines.join('\n')).toContain('could not map anonymous shared memory');
    expect(await ask('SHOW max_connections')).toBe('30');
    expect(await autoConf()).not.toContain('max_connections');
    expect(await copies()).toEqual([]);
    expect(steps.map(({ sentence }) => sentence)).toContain('PostgreSQL runs with its old file');
  });

  test('says that it is down when the old file does not boot either, and keeps the copy', async () => {
    await appendFile(configuration(), '\nsuperuser_reserved_connections = 100\n');
    const remedy = optionB.remedy();
    const report = await runPlan(remedy, await planFor(remedy, 60), recordSteps().control);
    expect(report).toMatchObject({ finished: false, items: [{ outcome: 'failed' }] });
    expect(report.summary).toContain('more connections are reserved than that');
    expect(report.summary).toContain('It did not start with its old file either.');
    const [copy] = await copies();
    expect(report.summary).toContain(String(copy));
  });

  test('without a way to restart it writes the value and tells who must', async () => {
    const remedy = optionB.remedy({ host: null });
    const plan = await planFor(remedy, 40);
    expect(plan.steps).toEqual(['ALTER SYSTEM SET max_connections = 40']);
    const report = await runPlan(remedy, plan, recordSteps().control);
    expect(report.summary).toContain('needs a restart. Until then it is 30');
    expect(report.summary).toContain('systemctl restart postgresql');
    expect(await ask('SHOW max_connections')).toBe('30');
    await cluster.stop();
    await cluster.start();
    expect(await ask('SHOW max_connections')).toBe('40');
  });

  test('refuses where the command line wins, and says what to edit', async () => {
    const other = await startCluster({ major, commandLine: { max_connections: 30 } });
    const elsewhere = new OptionBOnCluster(other);
    try {
      const ask = { kind: 'raise-max-connections', to: 40 } as const;
      expect(await elsewhere.remedy().propose(ask)).toMatchObject({
        refusal: { kind: 'command-line', next: expect.stringContaining('`command:`') as unknown },
      });
    } finally {
      await elsewhere.close();
      await other.close();
    }
  });

  test('an emergency stop before the restart takes the value out again', async () => {
    const remedy = optionB.remedy();
    const record = recordSteps();
    const { control } = record;
    const report = await runPlan(remedy, await planFor(remedy, 40), {
      ...control,
      record: async (note) => {
        await control.record(note);
        if (note.sentence.startsWith('CHECKPOINT')) record.stop();
      },
    });
    expect(report).toMatchObject({ finished: false, items: [{ outcome: 'put back' }] });
    expect(await autoConf()).not.toContain('max_connections');
    expect(await copies()).toEqual([]);
    expect(await ask('SHOW max_connections')).toBe('30');
  });

  /** The kind of the refusal of a change to that number; undefined where it could be proposed. */
  async function refusal(to: number, user = 'postgres'): Promise<string | undefined> {
    const ask = { kind: 'raise-max-connections', to } as const;
    const answer = await optionB.remedy({ user }).propose(ask);
    return answer.ok ? undefined : answer.refusal.kind;
  }

  test('refuses what could not work, before anything is touched', async () => {
    expect(await refusal(30)).toBe('nothing-to-do');
    expect(await refusal(3)).toBe('too-low');
    expect(await refusal(262_140)).toBe('too-high');
    expect(await refusal(40, 'acting')).toBe('privilege');
    expect(await refusal(40, 'nobody')).toBe('unreachable');
    for (let opened = 0; opened < 15; opened += 1) await openPool().untilOpen();
    expect(await refusal(20)).toBe('too-low');
    expect(await copies()).toEqual([]);
  });

  test('what changed since the vote is left alone', async () => {
    const remedy = optionB.remedy();
    const plan = await planFor(remedy, 40);
    await ask('ALTER SYSTEM SET max_connections = 35');
    expect(await remedy.recheck(plan)).toMatchObject({
      left: [],
      skipped: [{ what: 'max_connections', reason: 'it was changed since' }],
    });
  });

  // What follows needs rights and settings that 13 does not know, or half a minute of the same wait.
  if (major < 17) return;

  test('a role with the right to this one setting is enough', async () => {
    await ask('GRANT ALTER SYSTEM ON PARAMETER max_connections TO acting');
    const remedy = optionB.remedy({ user: 'acting' });
    const { control, steps } = recordSteps();
    const report = await runPlan(remedy, await planFor(remedy, 40), control);
    expect(report.items).toMatchObject([{ outcome: 'set' }]);
    expect(steps.map(({ sentence }) => sentence)).toContain('CHECKPOINT: not allowed');
  });

  test('refuses where ALTER SYSTEM is switched off', async () => {
    await appendFile(configuration(), '\nallow_alter_system = off\n');
    await ask('SELECT pg_reload_conf()');
    await until('it is off', async () => (await ask('SHOW allow_alter_system')) === 'off');
    expect(await refusal(45)).toBe('not-allowed');
  });

  test('waits through a slow crash recovery, however long, and does not take the value back', async () => {
    const host = createRecoveringHost(cluster, 8000);
    const remedy = optionB.remedy({ host, silentForMs: 4000 });
    const { control, progress } = recordSteps();
    const report = await runPlan(remedy, await planFor(remedy, 40), control);
    expect(host.refusals).toBeGreaterThan(0);
    expect(report).toMatchObject({ finished: true, items: [{ outcome: 'set' }] });
    expect(progress.join('\n')).toContain('is starting or recovering');
    expect(await ask('SHOW max_connections')).toBe('40');
  });
});
