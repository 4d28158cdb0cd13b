import { chmod, cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type Docker from 'dockerode';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { z } from 'zod';
import { startCluster } from '../../sandbox/patient/cluster.ts';
import type { Cluster } from '../../sandbox/patient/cluster.ts';
import { identity } from '../../sandbox/slack/identity.ts';
import { startSlack } from '../../sandbox/slack/server.ts';
import type { LocalSlack } from '../../sandbox/slack/server.ts';
import { connectDocker } from '../../src/compose/connect-docker.ts';
import { readLogLines } from '../../src/compose/logs.ts';
import { Sessions } from '../support/sessions.ts';
import { compose } from './compose-command.ts';
import { whyNoEngine } from './engine.ts';
import { eventually } from './eventually.ts';
import { findFreePort } from './free-port.ts';
import { makeBotImage } from './make-bot-image.ts';
import { runInside } from './run-inside.ts';

const deploy = fileURLToPath(new URL('../../deploy', import.meta.url));
const tokens = { botToken: 'xoxb-image', appToken: 'xapp-image', signingSecret: 'shared-secret' };
const channel = 'C0DATABASE';
const maya = 'U0MAYA';
const lars = 'U0LARS';
const patienceMs = 60_000;

const ComposeFile = z.looseObject({
  services: z.looseObject({ dbconn: z.looseObject({ cap_drop: z.array(z.string()) }) }),
});

/** As compose prints it, whichever version it has. */
const Resolved = z.looseObject({
  services: z.record(z.string(), z.looseObject({ networks: z.record(z.string(), z.unknown()) })),
});

/**
 * deploy/compose.yml as it stands, but for two things: the image is built here, and the network is the machine's own,
 * where the local Slack and PostgreSQL are.
 */
async function writeComposeFile(folder: string, image: string): Promise<void> {
  const { services, ...rest } = ComposeFile.parse(
    parse(await readFile(join(deploy, 'compose.yml'), 'utf8')),
  );
  const { networks: _theirs, build: _build, ...dbconn } = services.dbconn;
  const healthcheck = { interval: '1s' }; // all else of it is the image's own
  const here = { services: { dbconn: { ...dbconn, image, network_mode: 'host', healthcheck } } };
  await writeFile(
    join(folder, 'compose.yml'),
    stringify({ version: '3.8', ...rest, networks: undefined, ...here }, { keepUndefined: false }),
  );
}

describe.skipIf(await whyNoEngine())('the image, as deploy/compose.yml runs it', () => {
  const docker = connectDocker(process.env);
  const project = `dbconn-image-${process.pid}`;
  let cluster: Cluster;
  let slack: LocalSlack;
  let sessions: Sessions;
  let folder = '';

  beforeAll(async () => {
    const image = await makeBotImage();
    cluster = await startCluster();
    sessions = new Sessions(cluster);
    slack = await openSlack();
    folder = await mkdtemp(join(tmpdir(), 'dbconn-image-'));
    await chmod(folder, 0o755); // the container's user is another one
    await writeComposeFile(folder, image);
    const target = { name: 'orders', database: { url: cluster.url(), actingUrl: cluster.url() } };
    const approval = { A: { propose: [maya], approve: [lars] } };
    const file = { slack: { channel }, targets: [target], approval };
    await writeFile(join(folder, 'dbconn.yml'), stringify(file));
    const environment = {
      SLACK_BOT_TOKEN: tokens.botToken,
      SLACK_APP_TOKEN: tokens.appToken,
      SLACK_API_URL: slack.apiUrl,
      DBCONN_HTTP_PORT: `127.0.0.1:${await findFreePort()}`,
    };
    const lines = Object.entries(environment).map(([name, value]) => `${name}=${value}\n`);
    await writeFile(join(folder, '.env'), lines.join(''));
    await compose(folder, ['-p', project, 'up', '-d', '--no-build']);
    await untilConnected();
  }, 400_000);
  afterAll(async () => {
    await compose(folder, ['-p', project, 'down', '-v', '-t', '20']);
    await sessions.close();
    await slack.close();
    await cluster.close();
    await rm(folder, { recursive: true });
  });

  async function bot(): Promise<Docker.Container> {
    const filters = { label: [`com.docker.compose.project=${project}`] };
    const [found] = await docker.listContainers({ all: true, filters });
    if (found === undefined) throw new Error('Compose has made no container.');
    return docker.getContainer(found.Id);
  }

  async function untilConnected(): Promise<void> {
    try {
      await eventually(
        () => Promise.resolve(slack.connectionCount),
        (count) => count === 1,
      );
    } catch (cause) {
      const bounds = { tail: 20, maxBytes: 10_000, budgetMs: 10_000 };
      const { lines } = await readLogLines(docker, (await bot()).id, bounds);
      const log = lines.map(({ text }) => text).join('\n');
      throw new Error(`The bot does not come up:\n${log}`, { cause });
    }
  }

  async function hear(text: string): Promise<string> {
    return slack.waitFor(({ channels }) => {
      const messages = channels.find(({ id }) => id === channel)?.messages ?? [];
      return messages.find((message) => message.text.includes(text))?.text;
    }, patienceMs);
  }

  test('answers /dbconn status', async () => {
    const typed = { user: maya, channel, text: '/dbconn status' };
    expect((await slack.typeCommand(typed)).acked).toBe(true);
    expect(await hear('usable connections')).toContain('orders');
  });

  test('runs as nobody in particular, with no capability, and can write nowhere but in its volume', async () => {
    const inside = await bot();
    expect(await runInside(inside, 'id -u; id -g')).toBe('1000\r\n1000');
    const status = await runInside(inside, 'cat /proc/1/status');
    expect(status).toMatch(/CapBnd:\s+0+\s/);
    expect(status).toMatch(/NoNewPrivs:\s+1\s/);
    const write = 'for at in /app /app/src /usr/local/bin /data; do true >$at/x && echo $at; done';
    const written = await runInside(inside, `(${write}) 2>/dev/null`);
    expect(written).toBe('/data');
    const { Mounts: mounts } = await inside.inspect();
    const writable = mounts.filter(({ RW }) => RW).map(({ Destination }) => Destination);
    expect(writable).toEqual(['/data']);
  });

  test('has the terminal inside, for when Slack is down', async () => {
    const said = await runInside(await bot(), 'dbconn status orders --json');
    expect(JSON.parse(said)).toMatchObject({ target: 'orders', reach: { via: 'connection' } });
  });

  test('is called healthy by its own HEALTHCHECK', async () => {
    const inside = await bot();
    await expect
      .poll(async () => (await inside.inspect()).State.Health?.Status, { timeout: patienceMs })
      .toBe('healthy');
  });

  test('on SIGTERM it leaves with 0 and no session behind, and knows its journal when it is back', async () => {
    const before = await bot();
    const reason = 'the image is tried';
    await runInside(before, `dbconn stop ${reason}`);
    expect(await runInside(before, 'dbconn journal export')).toContain(reason);
    await before.stop({ t: 60 });
    expect((await before.inspect()).State).toMatchObject({ ExitCode: 0, OOMKilled: false });
    const left = `SELECT FROM pg_stat_activity WHERE application_name = 'dbconn'`;
    await expect.poll(() => sessions.ask(left), { timeout: patienceMs }).toEqual([]);
    // A new container on the same volume, as an update makes one.
    await compose(folder, ['-p', project, 'up', '-d', '--no-build', '--force-recreate']);
    await untilConnected();
    const after = await bot();
    expect(after.id).not.toBe(before.id);
    expect(await runInside(after, 'dbconn journal export')).toContain(reason);
    expect(await runInside(after, 'dbconn journal verify; echo "status $?"')).toContain('status 0');
  });
});

describe.skipIf(await whyNoEngine())('deploy/compose.yml', () => {
  test('with each size of the socket proxy is what Compose takes, and shares a network with it alone', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'dbconn-deploy-'));
    try {
      await cp(deploy, folder, { recursive: true });
      await cp(join(folder, '.env.example'), join(folder, '.env'));
      const files = ['-f', 'compose.yml', '-f', 'socket-proxy.yml'];
      for (const size of ['read-only', 'restart', 'recreate']) {
        const printed = await compose(folder, [...files, '--profile', size, 'config']);
        const { services } = Resolved.parse(parse(printed));
        expect(Object.keys(services)).toEqual(expect.arrayContaining(['dbconn', size]));
        expect(Object.keys(services['dbconn']?.networks ?? {}).toSorted()).toEqual([
          'dbconn-docker',
          'stack',
        ]);
        expect(Object.keys(services[size]?.networks ?? {})).toEqual(['dbconn-docker']);
      }
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

async function openSlack(): Promise<LocalSlack> {
  const manifest: unknown = parse(
    await readFile(new URL('../../manifest.yml', import.meta.url), 'utf8'),
  );
  return startSlack({
    ...tokens,
    manifest,
    mode: 'socket',
    people: [
      { id: maya, name: 'maya', realName: 'Maya' },
      { id: lars, name: 'lars', realName: 'Lars' },
    ],
    channels: [{ id: channel, name: 'database', members: [maya, lars, identity.botUserId] }],
    userGroups: [],
    rateLimits: false,
  });
}
