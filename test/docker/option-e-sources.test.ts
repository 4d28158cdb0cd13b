import { mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connectDocker } from '../../src/docker/connect.ts';
import { createPoolSettings } from '../../src/docker/recreate/resize-pools.ts';
import { DockerServices } from '../../src/docker/services.ts';
import { systemClock } from '../../src/timing.ts';
import type { EditAnswer, PoolNumbers } from '../../src/runbook/remedies/e-resize-pool/ports.ts';
import type { ServiceConfig } from '../../src/runbook/snapshot/target.ts';
import { compose } from './compose-command.ts';
import { whyNoEngine } from './engine.ts';

const project = `dbconn-test-${process.pid}-sources`;
const services: readonly ServiceConfig[] = ['web', 'worker', 'jobs', 'fixed', 'other'].map(
  (name) => ({ name, workers: 1, ...(name === 'other' && { variables: { size: 'CONNECTIONS' } }) }),
);
const docker = connectDocker(process.env);

/** Containers that do nothing but have an environment. */
function service(more: object): object {
  const usual = { image: 'dbconn-test/backend', pull_policy: 'never', network_mode: 'none' };
  const still = { command: ['sleep', '1000'], stop_signal: 'SIGKILL', volumes: ['/usr:/usr:ro'] };
  return { ...usual, ...still, ...more };
}

/** Option E on a project that Compose itself made, and what Compose says of it afterwards. */
describe.skipIf(await whyNoEngine())('the source of a pool’s numbers in a real project', () => {
  let folder: string;
  beforeAll(async () => {
    folder = realpathSync(mkdtempSync(join(tmpdir(), 'dbconn-sources-')));
    const web = { DATABASE_POOL_SIZE: '${POOL:-5}', DATABASE_MAX_OVERFLOW: '${OVERFLOW}' };
    const files = {
      'compose.yml': stringify({
        services: {
          web: service({ environment: web }),
          worker: service({ environment: { SQLALCHEMY_POOL_SIZE: '${POOL:-5}' } }),
          jobs: service({ env_file: ['common.env', 'jobs.env'] }),
          fixed: service({ environment: ['DB_POOL=${POOL:-5}'] }),
          other: service({ environment: { CONNECTIONS: '${OTHER_CONNECTIONS:?how many}' } }),
        },
      }),
      'compose.override.yml': stringify({ services: { fixed: { environment: { DB_POOL: 8 } } } }),
      '.env': 'OVERFLOW=10 # on top\nSECRET=hunter2\nOTHER_CONNECTIONS=6\n',
      'common.env': 'DB_POOL_MAX=2\n',
      'jobs.env': 'DB_POOL_MAX=4\n',
    };
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
    await up();
  });
  afterAll(async () => {
    await compose(folder, ['-p', project, 'down', '-t', '0']);
    rmSync(folder, { recursive: true });
  });

  const up = (): Promise<string> => compose(folder, ['-p', project, 'up', '-d']);
  const settings = (directory = folder): ReturnType<typeof createPoolSettings> =>
    createPoolSettings({ docker, services, directory });

  async function idOf(name: string): Promise<string> {
    const [id] = (await compose(folder, ['-p', project, 'ps', '-q', name])).trim().split('\n');
    return id ?? '';
  }

  async function plan(name: string, to: PoolNumbers): Promise<EditAnswer> {
    return settings().planEdit({ service: name, ids: [await idOf(name)], to });
  }

  /** Everything that a run of option E does to files and containers. Gives what it wrote, and who shares it. */
  async function resize(name: string, to: PoolNumbers): Promise<unknown> {
    const planned = await plan(name, to);
    if (!planned.ok) throw new Error(planned.problem.summary);
    const { edit, set, file, sharedWith, assumed } = planned.value;
    expect(assumed).toBe(false);
    await settings().writeEdit(edit, set);
    const id = await idOf(name);
    const outcome = await settings().recreateReplica(
      { id, name: `${project}-${name}-1` },
      { environment: to, healthyWithinMs: 60_000 },
    );
    expect(outcome).toMatchObject({ result: 'recreated', environment: to });
    return { file, set, sharedWith };
  }

  /** The services that the next `docker compose up` would make anew. */
  async function changed(): Promise<readonly string[]> {
    const said = await compose(
      folder,
      ['-p', project, '--progress', 'json', 'up', '-d', '--dry-run'],
      {
        COMPOSE_STATUS_STDOUT: '1',
      },
    );
    const names = said.matchAll(/Container \S+?-([a-z]+)-1","(?:status|text)":"Recreated"/g);
    return [...new Set([...names].map(([, name = '']) => name))].toSorted();
  }

  async function environmentOf(name: string): Promise<readonly string[]> {
    const { Config: config } = await docker.getContainer(await idOf(name)).inspect();
    return config.Env.filter((entry) => /POOL|OVERFLOW|CONNECTIONS/.test(entry));
  }

  test('is found in .env, an env_file and a default; Compose agrees with what is said of its next run', async () => {
    expect(await changed()).toEqual([]);
    expect(await resize('web', { poolSize: 3, maxOverflow: 2 })).toEqual({
      file: '.env',
      set: { POOL: 3, OVERFLOW: 2 },
      sharedWith: ['worker'],
    });
    expect(await resize('jobs', { poolSize: 3, maxOverflow: 0 })).toEqual({
      file: 'jobs.env',
      set: { DB_POOL_MAX: 3 },
      sharedWith: [],
    });
    expect(await resize('other', { poolSize: 7, maxOverflow: 0 })).toEqual({
      file: '.env',
      set: { OTHER_CONNECTIONS: 7 },
      sharedWith: [],
    });
    expect(readFileSync(join(folder, '.env'), 'utf8')).toBe(
      'OVERFLOW=2 # on top\nSECRET=hunter2\nOTHER_CONNECTIONS=7\nPOOL=3\n',
    );
    const mine = {
      web: ['DATABASE_POOL_SIZE=3', 'DATABASE_MAX_OVERFLOW=2'],
      jobs: ['DB_POOL_MAX=3'],
      other: ['CONNECTIONS=7'],
    };
    for (const [name, entries] of Object.entries(mine)) {
      expect((await environmentOf(name)).toSorted()).toEqual(entries.toSorted());
    }
    // Those that were made anew once more, with the same numbers, and those that share a variable with them.
    expect(await changed()).toEqual(['jobs', 'other', 'web', 'worker']);
    await up();
    expect(await changed()).toEqual([]);
    for (const [name, entries] of Object.entries(mine)) {
      expect((await environmentOf(name)).toSorted()).toEqual(entries.toSorted());
    }
    expect(await environmentOf('worker')).toEqual(['SQLALCHEMY_POOL_SIZE=3']);
  });

  test('that is a literal, and a directory of another project, are refused with what to edit', async () => {
    const refused = await plan('fixed', { poolSize: 3, maxOverflow: 0 });
    expect(refused).toMatchObject({
      ok: false,
      problem: { summary: 'DB_POOL of fixed is written in compose.override.yml, line 4.' },
      byHand: `By hand: set DB_POOL to 3 in compose.override.yml, line 4, then run docker compose up -d --no-deps --wait fixed.`,
    });
    const elsewhere = realpathSync(mkdtempSync(join(tmpdir(), 'dbconn-elsewhere-')));
    writeFileSync(join(elsewhere, '.env'), 'POOL=3\n');
    const ids = [await idOf('web')];
    const to = { poolSize: 4, maxOverflow: 2 };
    const foreign = await settings(elsewhere).planEdit({ service: 'web', ids, to });
    rmSync(elsewhere, { recursive: true });
    expect(JSON.stringify(foreign)).toContain(`but the containers’ project is in ${folder}.`);
  });

  test('stands in every look, so that nothing is proposed that would be refused', async () => {
    const reader = new DockerServices({
      docker,
      project,
      services,
      files: { directory: folder },
      logTail: 1,
      clock: systemClock,
      budgets: { callMs: 20_000, readingMs: 30_000 },
    });
    const read = await reader.readServices();
    if (!read.ok) throw new Error(read.problem.summary);
    expect(
      read.value.services.map(({ name, fixedPool }) => [name, Object.keys(fixedPool ?? {})]),
    ).toEqual([
      ['web', []],
      ['worker', []],
      ['jobs', []],
      ['fixed', ['size']],
      ['other', []],
    ]);
    expect(JSON.stringify(read)).not.toContain('hunter2');
  });
});
