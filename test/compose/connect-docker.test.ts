import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { connectDocker, connectOwnEngine } from '../../src/docker/connect.ts';

type DockerEnvironment = Parameters<typeof connectDocker>[0];

const Modem = z.object({
  socketPath: z.string().optional(),
  host: z.string(),
  port: z.number().optional(),
  protocol: z.string(),
  timeout: z.undefined().optional(),
  ca: z.instanceof(Buffer).optional(),
  cert: z.instanceof(Buffer).optional(),
});

function modemOf(environment: DockerEnvironment): z.infer<typeof Modem> {
  return Modem.parse(connectDocker(environment).modem);
}

function ownModemOf(...engine: Parameters<typeof connectOwnEngine>): z.infer<typeof Modem> {
  return Modem.parse(connectOwnEngine(...engine).modem);
}

afterEach(() => {
  vi.unstubAllEnvs();
});

describe('the variables of the docker command', () => {
  test.for<[string, DockerEnvironment, object]>([
    ['none', {}, { socketPath: '/var/run/docker.sock', protocol: 'http' }],
    ['an empty one', { DOCKER_HOST: '' }, { socketPath: '/var/run/docker.sock' }],
    ['a socket', { DOCKER_HOST: 'unix:///run/x.sock' }, { socketPath: '/run/x.sock' }],
    [
      'a proxy',
      { DOCKER_HOST: 'tcp://proxy:2375' },
      { host: 'proxy', port: 2375, protocol: 'http' },
    ],
    ['a bare host', { DOCKER_HOST: 'proxy' }, { host: 'proxy', port: 2375 }],
    ['the port of TLS', { DOCKER_HOST: 'tcp://e:2376' }, { port: 2376, protocol: 'https' }],
    [
      'TLS as the docker command takes it',
      { DOCKER_HOST: 'tcp://e:9999', DOCKER_TLS_VERIFY: 'true' },
      { port: 9999, protocol: 'https' },
    ],
  ])('%s', ([, environment, expected]) => {
    expect(modemOf(environment)).toMatchObject(expected);
  });

  test("dockerode's own reading of the environment changes nothing", () => {
    vi.stubEnv('DOCKER_HOST', 'tcp://elsewhere:2376');
    vi.stubEnv('DOCKER_CLIENT_TIMEOUT', '1000');
    expect(modemOf({ DOCKER_HOST: 'unix:///run/x.sock' })).toMatchObject({
      socketPath: '/run/x.sock',
      host: '',
      protocol: 'http',
    });
  });

  test('certificates are read where TLS is spoken, and missed in words', () => {
    const directory = mkdtempSync(join(tmpdir(), 'dbconn-tls-'));
    const environment = { DOCKER_HOST: 'tcp://e:2376', DOCKER_CERT_PATH: directory };
    try {
      expect(() => connectDocker(environment)).toThrow(/ca\.pem, cert\.pem and key\.pem/);
      for (const name of ['ca', 'cert', 'key']) writeFileSync(join(directory, `${name}.pem`), name);
      expect(modemOf(environment).ca?.toString()).toBe('ca');
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  test('SSH is refused with the way around it, nonsense with an example', () => {
    expect(() => connectDocker({ DOCKER_HOST: 'ssh://me@host' })).toThrow(/ssh -nNT -L/);
    for (const host of ['tcp://', 'ftp://x', 'tcp://a b', 'tcp://x:99999']) {
      expect(() => connectDocker({ DOCKER_HOST: host })).toThrow(
        /unix:\/\/\/var\/run\/docker\.sock/,
      );
    }
  });
});

describe('an engine of a target’s own', () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'dbconn-context-'));
    vi.stubEnv('DOCKER_HOST', 'tcp://elsewhere:2376');
    vi.stubEnv('DOCKER_TLS_VERIFY', '1');
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  /** As the docker command stores it. */
  function store(name: string, docker: object, files: readonly string[] = []): void {
    const id = createHash('sha256').update(name).digest('hex');
    const [meta, tls] = [
      join(folder, 'contexts/meta', id),
      join(folder, 'contexts/tls', id, 'docker'),
    ];
    for (const path of [meta, tls]) mkdirSync(path, { recursive: true });
    writeFileSync(join(meta, 'meta.json'), JSON.stringify({ Name: name, Endpoints: { docker } }));
    for (const file of files) writeFileSync(join(tls, `${file}.pem`), `${name} ${file}`);
  }

  test('is reached by its address alone, whatever the environment says', () => {
    const host = 'unix:///run/user/1000/podman/podman.sock';
    expect(ownModemOf({ host })).toMatchObject({
      socketPath: '/run/user/1000/podman/podman.sock',
      host: '',
    });
    const plain = ownModemOf({ host: 'tcp://proxy:2375' });
    expect(plain).toMatchObject({ host: 'proxy', port: 2375, protocol: 'http' });
    expect(plain.ca).toBeUndefined();
  });

  test('is refused in words where the environment has certificates that cannot be read', () => {
    vi.stubEnv('DOCKER_CERT_PATH', join(folder, 'missing'));
    expect(() => ownModemOf({ host: 'unix:///run/x.sock' })).toThrow(
      /^DOCKER_HOST or DOCKER_CERT_PATH/,
    );
  });

  test('speaks TLS where it is given, with the files that are named', () => {
    const ca = join(folder, 'own-ca.pem');
    writeFileSync(ca, 'the CA');
    const modem = ownModemOf({ host: 'tcp://db2:9999', tls: { ca } });
    expect(modem).toMatchObject({ port: 9999, protocol: 'https' });
    expect([modem.ca?.toString(), modem.cert]).toEqual(['the CA', undefined]);
    for (const path of [`${ca}x`, folder]) {
      expect(() => ownModemOf({ host: 'tcp://db2', tls: { ca: path } })).toThrow(
        /cannot be read.*compose\.docker\.tls/,
      );
    }
  });

  test('is what a context of the docker command says, its TLS files too', () => {
    store('db2', { Host: 'tcp://db2:2376' }, ['ca', 'cert', 'key']);
    store('colima', { Host: 'unix:///home/maya/.colima/docker.sock', SkipTLSVerify: false });
    const modem = ownModemOf({ context: 'db2' }, folder);
    expect(modem).toMatchObject({ host: 'db2', port: 2376, protocol: 'https' });
    expect([modem.ca, modem.cert].map(String)).toEqual(['db2 ca', 'db2 cert']);
    expect(ownModemOf({ context: 'colima' }, folder)).toMatchObject({
      socketPath: '/home/maya/.colima/docker.sock',
      protocol: 'http',
    });
  });

  test.for<[string, object | undefined, RegExp]>([
    ['that is missing', undefined, /has no context db2.*docker context ls/],
    ['of something else', { Port: 1 }, /has no context db2/],
    [
      'behind SSH',
      { Host: 'ssh://maya@db2' },
      /^The context db2 names an engine behind SSH.*ssh -nNT -L/,
    ],
    ['that trusts anybody', { Host: 'tcp://db2', SkipTLSVerify: true }, /accepts any certificate/],
  ])('a context %s is refused in words', ([, docker, why]) => {
    if (docker !== undefined) store('db2', docker);
    expect(() => connectOwnEngine({ context: 'db2' }, folder)).toThrow(why);
  });
});
