import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type Docker from 'dockerode';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { LocalSlack } from '../../../sandbox/slack/server.ts';
import { systemClock } from '../../../src/timing.ts';
import { connectDocker } from '../../../src/docker/connect.ts';
import { openSqliteJournal } from '../../../src/journal/sqlite/driver.ts';
import { compose } from '../compose-command.ts';
import { whyNoEngine } from '../engine.ts';
import { runInside } from '../run-inside.ts';
import { copyRepository } from './copy-repository.ts';
import { channel, maya, openWorkspace, tokens } from './open-workspace.ts';
import { Operator } from './operator.ts';
import { makeStandIns, withoutBuildKit } from './stand-ins.ts';
import type { StandIns } from './stand-ins.ts';
import { startOperatorStack } from './start-stack.ts';
import type { OperatorStack } from './start-stack.ts';

const passwords = ['looking-secret', 'acting-secret'] as const;
const patienceMs = 120_000;

// Each test goes on where the one before it left off, as somebody who reads the two documents does.
describe.skipIf(await whyNoEngine())('installed as documented', { timeout: 300_000 }, () => {
  const docker = connectDocker(process.env);
  const project = `dbconn-install-${process.pid}`;
  let stack: OperatorStack;
  let slack: LocalSlack;
  let standIns: StandIns;
  let operator: Operator;
  let folder = '';

  beforeAll(async () => {
    standIns = await makeStandIns();
    stack = await startOperatorStack(`${project}-stack`);
    slack = await openWorkspace(docker, stack.network);
    folder = await copyRepository();
    operator = new Operator(folder, {
      ...withoutBuildKit,
      COMPOSE_PROJECT_NAME: project, // for nobody's own that lies in a folder of this name
      SLACK_API_URL: slack.apiUrl,
      PGHOST: '127.0.0.1',
      PGPORT: String(stack.port),
      PGUSER: 'postgres',
      PGPASSWORD: stack.password,
      PGDATABASE: 'shop',
    });
  }, 400_000);
  afterAll(async () => {
    const deploy = join(folder, 'deploy');
    if (existsSync(join(deploy, '.env'))) {
      await compose(deploy, ['-p', project, 'down', '-v', '-t', '20']);
    }
    await slack.close();
    await stack.close();
    await standIns.giveBack();
    await rm(folder, { recursive: true });
  });

  async function bot(): Promise<Docker.Container> {
    const label = [`com.docker.compose.project=${project}`, 'com.docker.compose.service=dbconn'];
    const [found] = await docker.listContainers({ all: true, filters: { label } });
    if (found === undefined) throw new Error('Compose has made no container.');
    return docker.getContainer(found.Id);
  }

  async function untilConnected(): Promise<void> {
    try {
      await expect.poll(() => slack.connectionCount, { timeout: patienceMs }).toBe(1);
    } catch (cause) {
      const log = await (await bot()).logs({ stdout: true, stderr: true, tail: 20 });
      throw new Error(`The bot does not come up:\n${log.toString('utf8')}`, { cause });
    }
  }

  // What somebody has to fill in of the example.
  const configuration: Parameters<Operator['edit']>[1] = [
    [/project: stack$/m, `project: ${project}-stack`],
    [/^# slack:\n# {3}channel:/m, 'slack:\n  channel:'],
    [/^ {4}# services:\n {4}# {3}- name: backend$/m, '    services:\n      - name: backend'],
  ];

  test('the roles are made and the image is built', async () => {
    const grants = 'psql -v looking_password=… -v acting_password=… -f deploy/grants.sql';
    // Compose's psql has neither this machine's files nor its settings.
    const inCompose = `docker compose -p … exec -T postgres psql -U postgres -d … ${grants.replace(/^psql (.*)-f/, '$1<')}`;
    const names = [stack.project, 'shop'] as const;
    expect(await operator.type(inCompose, ...names, ...passwords)).toContain('GRANT');
    // This one holds in the database alone where it was given.
    const granted = "SELECT has_function_privilege('dbconn_acting', 'pg_reload_conf()', 'execute')";
    expect(await stack.ask(granted)).toBe('t');
    expect(await operator.type(grants, ...passwords)).toContain('GRANT');
    const base = 'BASE=registry.example.com/node:24-slim';
    await operator.type(`docker build -t dbconn --build-arg ${base} .`);
    expect(await operator.type('docker build -t dbconn .')).toContain('tagged dbconn:latest');
  });

  test('the container starts and is healthy, with nothing changed but names and secrets', async () => {
    await operator.type('cp docs/dbconn.example.yml deploy/config/dbconn.yml');
    await operator.edit('deploy/config/dbconn.yml', configuration);
    await operator.type('cd deploy && cp .env.example .env && chmod 600 .env');
    expect(await operator.type('docker network ls')).toContain(stack.network);
    const group = await operator.type('stat -c %g /var/run/docker.sock');
    await operator.edit('.env', [
      [/^STACK_NETWORK=.*$/m, `STACK_NETWORK=${stack.network}`],
      [/^DOCKER_GID=.*$/m, `DOCKER_GID=${group.trim()}`],
      [/^SLACK_BOT_TOKEN=.*$/m, `SLACK_BOT_TOKEN=${tokens.botToken}`],
      [
        /^SLACK_APP_TOKEN=.*$/m,
        `SLACK_APP_TOKEN=${tokens.appToken}\nSLACK_API_URL=${slack.apiUrl}`,
      ],
      [/dbconn:password@postgres/, `dbconn:${passwords[0]}@postgres`],
    ]);
    await operator.type('docker compose up -d');
    await untilConnected();
    const look = async (): Promise<string> => operator.type('docker compose ps');
    await expect
      .poll(look, { timeout: patienceMs, interval: 1000 })
      .toMatch(/dbconn .*\(healthy\)/);
  });

  test('doctor sees PostgreSQL and the containers, and says what is missing and how to fix it', async () => {
    const { said, status } = await operator.typeAndLook('docker compose exec dbconn dbconn doctor');
    expect(said).toContain('PostgreSQL: database.url: the role logs in and sees all sessions.');
    expect(said).toContain('Docker: dbconn may restart containers (option C).');
    expect(said).toContain('Options A to E cannot run: no approver is named.');
    expect(said).toMatch(/Name people or groups under approval in dbconn\.yml/);
    expect(said).toMatch(/missing +Configuration: Escalations to .* cannot be delivered/s);
    expect(said).not.toContain('Warning');
    expect(status).toBe(2);
  });

  test('what doctor says of an application that is a superuser can be run as it is', async () => {
    const { said } = await operator.typeAndLook('docker compose exec dbconn dbconn doctor');
    const text = said.replaceAll(/\s+/g, ' ');
    expect(text).toContain('The application logs in as the superuser "postgres"');
    const commands = [...text.matchAll(/`((?:CREATE ROLE|GRANT) [^`]*;)`/g)].flatMap(
      ([, one]) => one ?? [],
    );
    expect(commands).toHaveLength(4);
    for (const command of commands) await stack.ask(command);
    expect(await stack.ask("SELECT rolsuper FROM pg_roles WHERE rolname = 'postgres_login'")).toBe(
      'f',
    );
  });

  test('status answers from inside, for when Slack is down', async () => {
    const { said, status } = await operator.typeAndLook('docker compose exec dbconn dbconn status');
    expect(said).toContain('usable connections');
    expect(said).toContain('The application logs in as a superuser');
    expect(status).toBe(1);
  });

  test('it runs as nobody in particular, with no capability, and can write nowhere but in its volume', async () => {
    const inside = await bot();
    expect(await runInside(inside, 'id -u; id -g')).toBe('1000\r\n1000');
    const kernel = await runInside(inside, 'cat /proc/1/status');
    expect(kernel).toMatch(/CapBnd:\s+0+\s/);
    expect(kernel).toMatch(/NoNewPrivs:\s+1\s/);
    const write =
      'for at in /app /app/dist /config /usr/local/bin /data; do true >$at/x && echo $at; done';
    expect(await runInside(inside, `(${write}) 2>/dev/null`)).toBe('/data');
    const { Mounts: mounts } = await inside.inspect();
    const writable = mounts.filter(({ RW }) => RW).map(({ Destination }) => Destination);
    expect(writable).toEqual(['/data']);
  });

  test('an emergency stop in dbconn.yml reaches it, though an editor replaced the file', async () => {
    const since = Math.floor(Date.now() / 1000);
    await operator.edit('config/dbconn.yml', [
      [/stopped: false/, 'stopped: true'],
      [/tail: 200/, 'tail: 100'],
    ]);
    const inside = await bot();
    expect(await runInside(inside, 'cat /config/dbconn.yml')).toContain('stopped: true');
    await operator.type('docker compose kill -s HUP dbconn');
    const readLog = async (): Promise<string> =>
      (await inside.logs({ stdout: true, since })).toString('utf8');
    await expect
      .poll(readLog, { timeout: patienceMs })
      .toContain('The configuration was read again and is taken');
    // A signal that nobody takes would have ended it, and Compose would have started it again.
    expect(await inside.inspect()).toMatchObject({ RestartCount: 0, State: { Running: true } });
    await operator.edit('config/dbconn.yml', [[/stopped: true/, 'stopped: false']]);
  });

  test('the journal lies in the volume, is whole, and can be copied', async () => {
    const inside = await bot();
    await runInside(inside, 'dbconn stop the installation is tried');
    const journal = 'docker compose exec dbconn dbconn journal';
    expect(await operator.type(`${journal} verify`)).toContain('The journal is whole');
    expect(await operator.type(`${journal} export`)).toContain('the installation is tried');
    await operator.type('docker compose stop dbconn');
    await operator.type('docker compose cp dbconn:/data/dbconn.sqlite .');
    await operator.type('docker compose start dbconn');
    await untilConnected();
    const copy = join(folder, 'deploy/dbconn.sqlite');
    const opened = await openSqliteJournal({ file: copy, clock: systemClock });
    expect(await opened.verify()).toMatchObject({ ok: true });
    expect(JSON.stringify(await opened.entries())).toContain('the installation is tried');
    await opened.close();
  });

  test('an update makes a new container that knows its journal, and the old one leaves in peace', async () => {
    const before = await bot();
    await operator.edit('../bin/main.mjs', [[/$/, '// the next version\n']]);
    await operator.type('docker build -t dbconn ..');
    await operator.type('docker compose up -d');
    await untilConnected();
    const after = await bot();
    expect(after.id).not.toBe(before.id);
    expect(await runInside(after, 'dbconn journal export')).toContain('the installation is tried');
    await operator.type('docker compose stop');
    expect((await after.inspect()).State).toMatchObject({ ExitCode: 0, OOMKilled: false });
    const left = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'dbconn'";
    expect(await stack.ask(left)).toBe('0');
  });

  test('without a container it starts too, and answers in Slack', async () => {
    operator.goTo(folder);
    await operator.type('cp docs/dbconn.example.yml dbconn.yml');
    await operator.edit('dbconn.yml', configuration);
    const checked = await operator.typeAndLook('npx dbconn config check');
    expect(checked).toMatchObject({ status: 3 });
    expect(checked.said).toContain('The environment variable DBCONN_DATABASE_URL is not set.');
    const start =
      'DBCONN_DATABASE_URL=postgres://… SLACK_BOT_TOKEN=xoxb-… SLACK_APP_TOKEN=xapp-… npm start';
    const at = `dbconn:${passwords[0]}@127.0.0.1:${stack.port}/shop`;
    const running = operator.start(start, at, 'install', 'install');
    try {
      await untilConnected();
      const text = operator.tick('/dbconn doctor');
      expect(await slack.typeCommand({ user: maya, channel, text })).toMatchObject({ acked: true });
      const isMissing = 'no approver is named';
      await slack.waitFor(
        ({ ephemerals }) => ephemerals.find((one) => JSON.stringify(one).includes(isMissing)),
        patienceMs,
      );
      expect(existsSync(join(folder, 'dbconn.sqlite'))).toBe(true);
    } finally {
      const ended = new Promise((resolve) => running.once('exit', resolve));
      process.kill(-(running.pid ?? 0), 'SIGINT');
      await ended;
    }
  });

  test('and that was every command of the two', () => {
    // In a copy of its own, with each of its flags: test/install/npm-ci.long.test.ts.
    operator.tick('npm ci');
    expect([...operator.untyped]).toEqual([]);
  });
});
