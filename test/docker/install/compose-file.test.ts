import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { compose } from '../compose-command.ts';
import { whyNoEngine } from '../engine.ts';

const deploy = fileURLToPath(new URL('../../../deploy', import.meta.url));

/** As Compose prints it. */
const Resolved = z.looseObject({
  services: z.record(z.string(), z.looseObject({ networks: z.record(z.string(), z.unknown()) })),
});

describe.skipIf(await whyNoEngine())('deploy/, as Compose resolves it with .env.example', () => {
  let folder = '';
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'dbconn-deploy-'));
    await cp(deploy, folder, { recursive: true });
    await cp(join(folder, '.env.example'), join(folder, '.env'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  async function resolve(environment: Readonly<Record<string, string>>) {
    const printed = await compose(folder, ['config'], environment);
    return Resolved.parse(parse(printed)).services;
  }

  test.for(['read-only', 'restart', 'recreate'])(
    'the bot shares a network with the socket proxy of size %s alone',
    async (size) => {
      const services = await resolve({ COMPOSE_PROFILES: size });
      expect(Object.keys(services).toSorted()).toEqual(['dbconn', size].toSorted());
      const networks = Object.keys(services['dbconn']?.networks ?? {});
      expect(networks.toSorted()).toEqual(['dbconn-docker', 'stack']);
      expect(Object.keys(services[size]?.networks ?? {})).toEqual(['dbconn-docker']);
    },
  );

  test('without the two lines about the proxy there is the bot alone', async () => {
    const services = await resolve({ COMPOSE_FILE: 'compose.yml', COMPOSE_PROFILES: '' });
    expect(Object.keys(services)).toEqual(['dbconn']);
  });
});
