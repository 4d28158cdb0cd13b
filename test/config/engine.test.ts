import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readConfig } from '../../src/config/config.ts';
import type { TargetConfig } from '../../src/config/config.ts';
import { ConfigError } from '../../src/config/environment.ts';

let directory = '';
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'dbconn-engine-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

/** The targets of a dbconn.yml with these compose sections, or what is wrong with it. */
function read(...composes: readonly object[]): readonly TargetConfig[] | string {
  const path = join(directory, 'dbconn.yml');
  const targets = composes.map((compose, index) => ({
    name: `t${index}`,
    database: { url: 'postgres://me@db/x' },
    compose: { project: 'shop', ...compose },
  }));
  writeFileSync(path, JSON.stringify({ targets }));
  try {
    return readConfig({}, path).targets;
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.join('\n');
    throw error;
  }
}

const tls = { ca: '/c/ca.pem', cert: '/c/cert.pem', key: '/c/key.pem' };

test.for([
  { host: 'unix:///run/user/1000/podman/podman.sock' },
  { host: 'tcp://db2.internal:2376', tls },
  { host: 'tcp://10.0.0.7', tls: { ca: '/c/ca.pem' } },
  { context: 'colima' },
])('an engine of a target’s own is %o', (docker) => {
  expect(read({ docker })).toMatchObject([{ compose: { docker } }]);
});

test.for<[object, string]>([
  [{}, 'takes either host or context'],
  [{ host: 'unix:///a.sock', context: 'b' }, 'takes either host or context'],
  [{ context: 'default' }, 'leave compose.docker out'],
  [{ context: '../x' }, 'is not the name of a docker context'],
  [{ host: 'ssh://me@db2' }, 'ssh -nNT -L'],
  [{ host: 'unix://docker.sock' }, 'is not an address such as'],
  [{ host: 'db2:2375' }, 'is not an address such as unix:///var/run/docker.sock'],
  [{ host: 'tcp://me:hunter2@db2' }, 'is not an address such as'],
  [{ host: 'tcp://db2:99999' }, 'is not an address such as'],
  [{ host: 'tcp://db2?token=hunter2' }, 'is not an address such as'],
  [{ host: 'tcp://db2#hunter2' }, 'is not an address such as'],
  [{ host: 'tcp://db2', tls: { cert: '/c.pem' } }, 'needs both cert and key'],
  [{ host: 'tcp://db2', tls: { ca: 'ca.pem' } }, 'begins with /'],
  [{ host: 'unix:///a.sock', tls }, 'only a host that begins with tcp://'],
  [{ context: 'b', tls }, 'only a host that begins with tcp://'],
])('%o is refused with what to write', ([docker, why]) => {
  const problem = read({ docker });
  expect(problem).toContain('targets.0.compose.docker');
  expect(problem).toContain(why);
  expect(problem).not.toContain('hunter2');
});

describe('two targets', () => {
  const there = { docker: { host: 'tcp://db2:2376' } };
  const refused = (targets: ReturnType<typeof read>): unknown =>
    typeof targets === 'string' ? targets : targets.map(({ target }) => target.neverRestart);

  test('on one project share what is never restarted, on projects of one name on two engines do not', () => {
    const [api, worker] = [{ neverRestart: ['api'] }, { neverRestart: ['worker'] }];
    expect(refused(read(api, worker))).toEqual(
      [
        ['api', 'worker'],
        ['worker', 'api'],
      ].map((names) => expect.arrayContaining(names) as unknown),
    );
    expect(refused(read(api, { ...worker, ...there }))).toEqual([['api'], ['worker']]);
  });

  test('on two engines cannot have one directory: option E would write the file of another machine', () => {
    const files = { directory: '/srv/shop' };
    expect(read(files, { ...files, ...there })).toContain('which belongs to one of them');
    expect(read(files, files)).toHaveLength(2);
  });
});
