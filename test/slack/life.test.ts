import { createServer } from 'node:http';
import { afterEach, describe, expect, test } from 'vitest';
import type { LocalSlack } from '../../sandbox/slack/server.ts';
import type { Diagnosis } from '../../src/runbook/diagnose/diagnosis.ts';
import { createSlackApp } from '../../src/slack/app.ts';
import type { SlackApp } from '../../src/slack/app.ts';
import { aDiagnosis } from './support/diagnoses.ts';
import {
  aLog,
  ana,
  appToken,
  aMonitor,
  botToken,
  connectionFor,
  database,
  noChanges,
  openSlack,
  readManifest,
  said,
  signingSecret,
  startApp,
  whispered,
} from './support/workspace.ts';
import type { Mode } from './support/workspace.ts';
import type { SlackAppOptions } from './support/workspace.ts';
import { patienceMs } from '../support/until.ts';

const closers: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

async function openTracked(...args: Parameters<typeof openSlack>): Promise<LocalSlack> {
  const slack = await openSlack(...args);
  closers.push(() => slack.close());
  return slack;
}

async function startTracked(
  slack: LocalSlack,
  mode: Mode,
  changes: Partial<SlackAppOptions> = {},
): Promise<SlackApp> {
  const app = await startApp(slack, mode, { channel: database, ...changes });
  closers.push(() => app.stop());
  return app;
}

function appFor(slack: LocalSlack, changes: Partial<SlackAppOptions>): SlackApp {
  const app = createSlackApp({
    connection: connectionFor('socket'),
    botToken,
    apiUrl: slack.apiUrl,
    monitor: aMonitor(),
    changes: noChanges(),
    log: aLog().log,
    ...changes,
  });
  closers.push(() => app.stop());
  return app;
}

describe.each(['socket', 'http'] as const)('stopping by %s', (mode) => {
  test('answers what is under way before anything is closed', async () => {
    const slack = await openTracked(mode);
    const { promise, resolve } = Promise.withResolvers<Diagnosis>();
    const monitor = aMonitor({ diagnose: () => promise });
    const app = await startTracked(slack, mode, { monitor });
    await slack.typeCommand({ user: ana, channel: database, text: '/dbconn status' });
    const stopped = app.stop();
    expect(app.state.ready).toBe(false);
    await expect.poll(() => slack.connectionCount, { timeout: patienceMs }).toBe(0);
    const late = await slack.typeCommand({ user: ana, channel: database, text: '/dbconn status' });
    expect(late).toEqual({ acked: false, error: 'dispatch_failed' });
    resolve(aDiagnosis());
    await stopped;
    await said(slack, database, '94 of 97');
    expect(app.state).toMatchObject({ connection: 'closed', ready: false, commandsInFlight: 0 });
  });

  test('says goodbye to those it cannot wait for', async () => {
    const slack = await openTracked(mode);
    const monitor = aMonitor({ diagnose: () => Promise.withResolvers<Diagnosis>().promise });
    const app = await startTracked(slack, mode, { monitor, replyTimeouts: { drainMs: 30 } });
    await slack.typeCommand({ user: ana, channel: database, text: '/dbconn status' });
    await app.stop();
    await whispered(slack, ana, 'was stopped before its check of orders was done');
    expect(app.state.commandsInFlight).toBe(0);
  });

  test('is safe twice, and before a start', async () => {
    const slack = await openTracked(mode);
    await appFor(slack, { connection: connectionFor(mode) }).stop();
    const app = await startTracked(slack, mode);
    await Promise.all([app.stop(), app.stop()]);
    await app.stop();
    expect(app.state.connection).toBe('closed');
  });
});

describe('starting', () => {
  test('needs no scope at all', async () => {
    const slack = await openTracked('socket', { manifest: readManifest([]) });
    const app = await startTracked(slack, 'socket');
    expect(app.state).toMatchObject({ connection: 'open', ready: true });
  });

  test.for([
    [
      'a wrong bot token',
      { botToken: 'xoxb-wrong' },
      /bot token \(invalid_auth\).*SLACK_BOT_TOKEN/,
    ],
    [
      'the app token in place of the bot token',
      { botToken: appToken },
      /bot token \(not_allowed_token_type\).*OAuth & Permissions/,
    ],
    [
      'a wrong app token',
      { connection: { kind: 'socket', appToken: 'xapp-wrong' } },
      /app token \(invalid_auth\).*SLACK_APP_TOKEN.*connections:write/,
    ],
    [
      'the bot token in place of the app token',
      { connection: { kind: 'socket', appToken: botToken } },
      /app token \(not_allowed_token_type\).*Socket Mode/,
    ],
  ] as const)('with %s fails at once and says the fix', async ([, changes, words]) => {
    const slack = await openTracked('socket');
    const app = appFor(slack, changes);
    await expect(app.start()).rejects.toThrow(words);
    expect(app.state.ready).toBe(false);
    expect(slack.connectionCount).toBe(0);
  });

  test.for([
    ['that rotation has let expire', 'token_expired', /token rotation.*manifest\.yml/],
    ['that was revoked', 'token_revoked', /refused the bot token \(token_revoked\)/],
    ['of an app that was taken out of the workspace', 'account_inactive', /account_inactive/],
  ] as const)('with a token %s it says so, and keeps trying', async ([, error, words]) => {
    const slack = await openTracked('socket');
    slack.interfere('auth.test', { kind: 'refused', error });
    const app = appFor(slack, {});
    await app.start();
    expect(app.state.ready).toBe(false);
    expect(app.state.problem).toMatch(words);
    await expect.poll(() => app.state.ready, { timeout: patienceMs }).toBe(true);
    expect(app.state.problem).toBeNull();
  });

  test.for(['socket', 'http'] as const)(
    'by %s without a Slack at the address it says so, and is there once Slack is',
    async (mode) => {
      const away = await openSlack(mode);
      const port = Number(new URL(away.url).port);
      await away.close();
      const app = appFor(away, { connection: connectionFor(mode) });
      await app.start();
      expect(app.state.ready).toBe(false);
      expect(app.state.problem).toMatch(/could not be reached.*SLACK_API_URL/);
      await openTracked(mode, { port });
      await expect.poll(() => app.state.ready, { timeout: patienceMs }).toBe(true);
      expect(app.state.problem).toBeNull();
    },
  );

  test('that is still under way ends with the bot', async () => {
    const slack = await openSlack('socket');
    await slack.close();
    const { log, lines } = aLog();
    const app = appFor(slack, { log });
    await app.start();
    await app.stop();
    const port = Number(new URL(slack.url).port);
    const second = await openTracked('socket', { port });
    await app.stop();
    expect(second.connectionCount).toBe(0);
    expect(lines.join('')).not.toContain('dbconn is in Slack"');
  });

  test('by socket goes on when Slack does not say hello in time', async () => {
    const slack = await openTracked('socket');
    const mute = await aMuteSlack(slack);
    const app = appFor(slack, { apiUrl: mute, replyTimeouts: { startMs: 200 } });
    await app.start();
    expect(app.state.ready).toBe(false);
    expect(app.state.problem).toMatch(/HTTP 503/);
  });

  test('by HTTP on a taken port names the port', async () => {
    const slack = await openTracked('http');
    const first = await startTracked(slack, 'http');
    const port = first.state.port ?? 0;
    const connection = { kind: 'http', signingSecret, port, host: '127.0.0.1' } as const;
    const words = new RegExp(`Port ${port} could not be opened.*PORT`);
    await expect(appFor(slack, { connection }).start()).rejects.toThrow(words);
  });
});

/** Answers auth.test as the local Slack does, and apps.connections.open with a 503. */
async function aMuteSlack(slack: LocalSlack): Promise<string> {
  const server = createServer((request, response) => {
    if (request.url?.endsWith('apps.connections.open') === true) {
      response.writeHead(503).end();
      return;
    }
    void fetch(`${slack.apiUrl}auth.test`, {
      method: 'POST',
      headers: { authorization: `Bearer ${botToken}` },
    })
      .then((answer) => answer.text())
      .then((text) => response.setHeader('content-type', 'application/json').end(text));
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  closers.push(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => {
      server.close(resolve);
    });
  });
  const address = server.address();
  return `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}/api/`;
}

describe('losing Slack', () => {
  test('when Slack recycles a socket, the next one is open at once', async () => {
    const slack = await openTracked('socket');
    const { log, lines } = aLog();
    const app = await startTracked(slack, 'socket', { log });
    slack.refreshConnections();
    await expect.poll(() => lines.join(''), { timeout: patienceMs }).toContain('connected again');
    expect(app.state.connection).toBe('open');
    await expect.poll(() => slack.connectionCount, { timeout: patienceMs }).toBe(1);
    await slack.typeCommand({ user: ana, channel: database, text: '/dbconn status' });
    await said(slack, database, '94 of 97');
  });

  test('when Slack goes away and comes back, commands work again', async () => {
    const first = await openSlack('socket');
    const app = await startTracked(first, 'socket');
    const port = Number(new URL(first.url).port);
    await first.close();
    await expect.poll(() => app.state.connection, { timeout: patienceMs }).toBe('reopening');
    expect(app.state.ready).toBe(false);
    const second = await openTracked('socket', { port });
    await expect.poll(() => app.state.ready, { timeout: patienceMs }).toBe(true);
    await second.typeCommand({ user: ana, channel: database, text: '/dbconn status' });
    await said(second, database, '94 of 97');
    expect(second.connectionCount).toBe(1);
  });

  test('stopping while Slack is away ends the attempts', async () => {
    const slack = await openSlack('socket');
    const { log, lines } = aLog();
    const app = await startTracked(slack, 'socket', { log });
    await slack.close();
    await expect.poll(() => lines.join(''), { timeout: patienceMs }).toContain('cannot be reached');
    await app.stop();
    expect(app.state.connection).toBe('closed');
  });
});

test('a request with a wrong signature is refused', async () => {
  const slack = await openTracked('http');
  const app = await startTracked(slack, 'http', {
    connection: { kind: 'http', signingSecret: 'another-secret', port: 0, host: '127.0.0.1' },
  });
  const typed = await slack.typeCommand({ user: ana, channel: database, text: '/dbconn status' });
  expect(typed).toEqual({ acked: false, error: 'http_service_error' });
  expect(app.state.commandsInFlight).toBe(0);
});
