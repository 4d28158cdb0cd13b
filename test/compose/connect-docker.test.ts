import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { connectDocker } from '../../src/docker/connect.ts';

type DockerEnvironment = Parameters<typeof connectDocker>[0];

const Modem = z.object({
  socketPath: z.string().optional(),
  host: z.string(),
  port: z.number().optional(),
  protocol: z.string(),
  timeout: z.undefined().optional(),
  ca: z.instanceof(Buffer).optional(),
});

function modemOf(environment: DockerEnvironment): z.infer<typeof Modem> {
  return Modem.parse(connectDocker(environment).modem);
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
