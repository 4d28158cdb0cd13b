import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { findSharing } from '../../../src/docker/recreate/resize-pools.ts';
import { findPoolOrigins } from '../../../src/docker/project/pool-origins.ts';
import type { PoolOrigins } from '../../../src/docker/project/pool-origins.ts';

let directory: string;
beforeEach(() => {
  directory = realpathSync(mkdtempSync(join(tmpdir(), 'dbconn-source-')));
});
afterEach(() => rmSync(directory, { recursive: true }));

type Files = Readonly<Record<string, string>>;

interface Scene {
  readonly files: Files;
  /** What the container has. */
  readonly has?: readonly string[];
  /** Beside those of a project in this directory. */
  readonly labels?: Files;
}

function write(files: Files): void {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, name)), { recursive: true });
    writeFileSync(join(directory, name), text);
  }
}

async function originsOf({ files, has, labels }: Scene): Promise<PoolOrigins> {
  write(files);
  const composeFiles = Object.keys(files).filter((name) => name.endsWith('.yml'));
  const project = 'com.docker.compose.project';
  const own = {
    [`${project}.working_dir`]: directory,
    [`${project}.config_files`]: composeFiles.map((name) => join(directory, name)).join(','),
    ...Object.fromEntries(
      Object.entries(labels ?? {}).map(([name, value]) => [`${project}.${name}`, value]),
    ),
  };
  const site = { directory, envFile: '.env', toOwnPath: (path: string) => path };
  const container = { Config: { Env: [...(has ?? ['DATABASE_POOL_SIZE=5'])], Labels: own } };
  const found = await findPoolOrigins({ ...site, service: 'backend', config: undefined }, [
    container,
  ]);
  if (!found.ok) throw new Error(`${found.problem.summary} ${found.problem.fix}`);
  return found.value;
}

/** `DATABASE_POOL_SIZE <- POOL in .env`, or why it cannot be written. */
async function told(scene: Scene): Promise<string[]> {
  const { origins } = await originsOf(scene);
  return origins.map(({ variable, origin, why }) =>
    origin.kind === 'env' && why === null
      ? `${variable} <- ${origin.name} in ${origin.path.slice(directory.length + 1)}`
      : (why ?? ''),
  );
}

function backend(environment: string, more = ''): string {
  return `services:\n  backend:\n    image: backend\n${more}    environment:\n${environment}`;
}

const byMap = (value: string): string => backend(`      DATABASE_POOL_SIZE: ${value}\n`);
const env = { '.env': 'DATABASE_POOL_SIZE=5\nPOOL=5\n' };

describe('a number that a file of variables gives is written there', () => {
  test.for<[string, Scene, string]>([
    [
      'interpolated from .env',
      { files: { 'compose.yml': byMap('${DATABASE_POOL_SIZE}'), ...env } },
      'DATABASE_POOL_SIZE in .env',
    ],
    [
      'without braces, by another name, in a list',
      { files: { 'compose.yml': backend('      - DATABASE_POOL_SIZE=$POOL\n'), ...env } },
      'POOL in .env',
    ],
    [
      'passed through by its name alone',
      { files: { 'compose.yml': backend('      - DATABASE_POOL_SIZE\n'), ...env } },
      'DATABASE_POOL_SIZE in .env',
    ],
    ['required', { files: { 'compose.yml': byMap('"${POOL:?set it}"'), ...env } }, 'POOL in .env'],
    [
      'with a default that is not used',
      { files: { 'compose.yml': byMap('${POOL:-9}'), ...env } },
      'POOL in .env',
    ],
    [
      'with a default that is: the line is added',
      { files: { 'compose.yml': byMap('${POOL:-5}'), '.env': 'OTHER=1\n' } },
      'POOL in .env',
    ],
    [
      'with a default, and no .env yet',
      { files: { 'compose.yml': byMap('${POOL-5}') } },
      'POOL in .env',
    ],
    [
      'with another variable for a default',
      { files: { 'compose.yml': byMap('${SIZE:-${POOL:-9}}'), ...env } },
      'POOL in .env',
    ],
    [
      'from the last of several files that --env-file or COMPOSE_ENV_FILES named',
      {
        files: {
          'compose.yml': byMap('${POOL}'),
          '.env': 'POOL=1\n',
          'one.env': 'POOL=2\n',
          'env/two.env': 'POOL=5\n',
        },
        labels: { environment_file: 'one.env,env/two.env' },
      },
      'POOL in env/two.env',
    ],
    [
      'from the last env_file that has it',
      {
        files: {
          'compose.yml': backend(
            '      OTHER: 1\n',
            '    env_file:\n      - one.env\n      - path: two.env\n        required: false\n      - three.env\n',
          ),
          'one.env': 'DATABASE_POOL_SIZE=9\n',
          'two.env': 'DATABASE_POOL_SIZE=5\n',
          'three.env': 'OTHER=1\n',
        },
      },
      'DATABASE_POOL_SIZE in two.env',
    ],
    [
      'in the override, which wins',
      {
        files: {
          'compose.yml': byMap('5'),
          'compose.override.yml': byMap('${POOL:-7}'),
          ...env,
        },
      },
      'POOL in .env',
    ],
    [
      'brought by an anchor',
      {
        files: {
          'compose.yml': `x-env: &env\n  DATABASE_POOL_SIZE: \${POOL}\n${backend('      <<: *env\n')}`,
          ...env,
        },
      },
      'POOL in .env',
    ],
    [
      'that refers to another variable',
      { files: { 'compose.yml': byMap('${SIZE}'), '.env': 'POOL=5\nSIZE=${POOL}\n' } },
      'SIZE in .env',
    ],
    [
      'in a file with a byte order mark',
      { files: { 'compose.yml': byMap('${POOL}'), '.env': '\uFEFFPOOL=5\n' } },
      'POOL in .env',
    ],
  ])('%s', async ([, scene, expected]) => {
    expect(await told(scene)).toEqual([`DATABASE_POOL_SIZE <- ${expected}`]);
  });
});

describe('a number that dbconn cannot write is told by its place', () => {
  test.for<[string, Scene, string]>([
    [
      'a literal',
      { files: { 'compose.yml': byMap('5'), ...env } },
      'DATABASE_POOL_SIZE of backend is written in compose.yml, line 5.',
    ],
    [
      'a literal in a list, over an env_file',
      {
        files: {
          'compose.yml': backend(
            '      - OTHER=1\n      - DATABASE_POOL_SIZE=5\n',
            '    env_file: .env\n',
          ),
          ...env,
        },
      },
      'is written in compose.yml, line 7.',
    ],
    [
      'a literal of the override',
      {
        files: { 'compose.yml': byMap('${POOL}'), 'compose.override.yml': byMap('5'), ...env },
      },
      'is written in compose.override.yml, line 5.',
    ],
    [
      'text of several parts',
      { files: { 'compose.yml': byMap('${POOL}0'), ...env }, has: ['DATABASE_POOL_SIZE=50'] },
      'is put together from several parts in compose.yml, line 5.',
    ],
    [
      'an alternative',
      { files: { 'compose.yml': byMap('${POOL:+5}'), ...env } },
      'is put together from several parts',
    ],
    [
      'nothing but the shell',
      { files: { 'compose.yml': byMap('${SIZE}'), ...env } },
      'comes from the shell that ran docker compose up: no file sets SIZE.',
    ],
    [
      'the shell, over the file',
      { files: { 'compose.yml': byMap('${POOL}'), ...env }, has: ['DATABASE_POOL_SIZE=77'] },
      'is 77 in the containers, but 5 by .env',
    ],
    [
      'the image',
      { files: { 'compose.yml': backend('      OTHER: 1\n'), ...env } },
      'is set by no file of the project: it comes from the image',
    ],
    [
      'another file',
      {
        files: {
          'compose.yml': backend(
            '      OTHER: 1\n',
            '    extends: { file: base.yaml, service: b }\n',
          ),
        },
      },
      'comes from a file that include or extends names',
    ],
  ])('%s', async ([, scene, expected]) => {
    const [why] = await told(scene);
    expect(why).toContain(expected);
  });

  test('a folder with no Compose file in it gives only what its .env has with the same number', async () => {
    const labels = { config_files: '' };
    expect(await told({ files: env, labels })).toEqual([
      'DATABASE_POOL_SIZE <- DATABASE_POOL_SIZE in .env',
    ]);
    const [why] = await told({ files: { '.env': 'OTHER=1\n' }, labels });
    expect(why).toContain('is not in .env, and no Compose file is there');
  });
});

describe('a directory is refused', () => {
  test('of another project, whatever its files say', async () => {
    const working = { working_dir: join(directory, 'other') };
    mkdirSync(join(directory, 'other'));
    const files = { 'compose.yml': byMap('${POOL}'), ...env };
    await expect(originsOf({ files, labels: working })).rejects.toThrow(
      `compose.directory is ${directory}, but the containers’ project is in ${directory}/other.`,
    );
  });

  test('whose Compose file is not there, or is none', async () => {
    const labels = { config_files: '/nowhere/compose.yml' };
    await expect(originsOf({ files: env, labels })).rejects.toThrow(
      '/nowhere/compose.yml of the Compose project cannot be read (ENOENT).',
    );
    const broken = { 'compose.yml': 'services: [*a, "hunter2"' };
    await expect(originsOf({ files: broken })).rejects.toThrow('could not be read as a Compose');
  });
});

test('every service that would change too is named, and no other', async () => {
  const { project } = await originsOf({
    files: {
      'compose.yml': `${byMap('${POOL}')}
  same: { image: x, environment: { SIZE: '\${POOL:-3}' } }
  command: { image: x, command: 'serve --pool \${POOL}' }
  derived: { image: x, environment: ['A=\${TWICE}'] }
  passed: { image: x, environment: [POOL] }
  reader: { image: x, env_file: .env }
  default: { image: x, environment: { A: '\${OTHER:-\${POOL}}' } }
  escaped: { image: x, command: 'echo $\${POOL}' }
  alike: { image: x, environment: { A: '\${POOL_SIZE:-1}' } }
`,
      '.env': 'POOL=5\nTWICE=${POOL}${POOL}\n',
    },
  });
  const path = join(directory, '.env');
  const shared = ['same', 'command', 'derived', 'passed', 'reader', 'default'];
  expect(findSharing(project, 'backend', { path, name: 'POOL' })).toEqual(shared);
});

test('an env_file changes those who read it and do not say otherwise themselves', async () => {
  const { project } = await originsOf({
    files: {
      'compose.yml': `${backend('      OTHER: 1\n', '    env_file: [pool.env]\n')}
  reader: { image: x, env_file: pool.env }
  overridden: { image: x, env_file: pool.env, environment: { DATABASE_POOL_SIZE: 3 } }
  interpolating: { image: x, environment: { A: '\${DATABASE_POOL_SIZE:-1}' } }
`,
      'pool.env': 'DATABASE_POOL_SIZE=5\n',
    },
  });
  const path = join(directory, 'pool.env');
  const written = { path, name: 'DATABASE_POOL_SIZE' };
  expect(findSharing(project, 'backend', written)).toEqual(['reader']);
});
