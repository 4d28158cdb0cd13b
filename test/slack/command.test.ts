import { afterEach, describe, expect, test } from 'vitest';
import type { LocalSlack } from '../../sandbox/slack/server.ts';
import type { Diagnosis } from '../../src/runbook/diagnose/diagnosis.ts';
import type { SlackApp } from '../../src/slack/app.ts';
import { aDiagnosis } from './support/diagnoses.ts';
import {
  aLog,
  ana,
  aMonitor,
  ben,
  botToken,
  database,
  everything,
  openSlack,
  random,
  said,
  startApp,
  whispered,
} from './support/workspace.ts';
import type { Mode } from './support/workspace.ts';
import type { SlackAppOptions } from './support/workspace.ts';
import { patienceMs } from '../support/until.ts';

const open: { slack?: LocalSlack; app?: SlackApp } = {};

async function arrange(
  mode: Mode,
  changes: Partial<SlackAppOptions> = {},
  clock?: () => number,
): Promise<LocalSlack> {
  open.slack = await openSlack(mode, clock === undefined ? {} : { now: clock });
  open.app = await startApp(open.slack, mode, { channel: database, ...changes });
  return open.slack;
}

afterEach(async () => {
  await open.app?.stop();
  await open.slack?.close();
  delete open.app;
  delete open.slack;
});

/** A look that lasts until the test says so. */
function aHeldLook(): {
  monitor: SlackAppOptions['monitor'];
  finish: () => void;
  looked: string[];
} {
  const { promise, resolve } = Promise.withResolvers<Diagnosis>();
  const looked: string[] = [];
  const monitor = aMonitor({
    diagnose(target) {
      looked.push(target);
      return promise;
    },
  });
  return { monitor, finish: () => resolve(aDiagnosis()), looked };
}

describe.each(['socket', 'http'] as const)('by %s', (mode) => {
  test('a command is acknowledged while its look still goes on, and answered after it', async () => {
    const { monitor, finish } = aHeldLook();
    const slack = await arrange(mode, { monitor });
    // Settles with the acknowledgement; the look cannot have ended yet.
    const typed = await slack.typeCommand({ user: ana, channel: database, text: '/dbconn status' });
    expect(typed).toEqual({ acked: true });
    expect(everything(slack)).toEqual([]);
    expect(open.app?.state.commandsInFlight).toBe(1);
    finish();
    const message = await said(slack, database, '94 of 97');
    expect(message.blocks?.map(({ type }) => type)).toContain('table');
    expect(message.blocks?.map(({ type }) => type)).toContain('data_visualization');
  });

  test('status in the incident channel is for everyone, elsewhere for the caller', async () => {
    const slack = await arrange(mode);
    await slack.typeCommand({ user: ana, channel: database, text: '/dbconn status' });
    await said(slack, database, '94 of 97');
    expect(slack.state.ephemerals).toEqual([]);
    await slack.typeCommand({ user: ben, channel: random, text: '/dbconn status' });
    await whispered(slack, ben, '94 of 97');
  });

  test('every other word answers the caller alone', async () => {
    const slack = await arrange(mode);
    const answers = new Map([
      ['sources', 'Sources of orders'],
      ['sessions', 'Sessions of orders'],
      ['idle', 'Idle in transaction on orders'],
      ['blocking', 'Blocking on orders'],
      ['pool', 'Pools of orders'],
      ['logs', 'Logs of orders'],
      ['causes', 'Causes on orders'],
      ['help', 'What you can type after /dbconn'],
    ]);
    for (const [word, start] of answers) {
      await slack.typeCommand({ user: ana, channel: database, text: `/dbconn ${word}` });
      await whispered(slack, ana, start);
    }
    expect(slack.state.channels.flatMap(({ messages }) => messages)).toEqual([]);
  });

  test('a word nobody knows gets help with the nearest one', async () => {
    const slack = await arrange(mode);
    await slack.typeCommand({ user: ana, channel: database, text: '/dbconn sorces' });
    const { blocks } = await whispered(slack, ana, 'Did you mean sources?');
    expect(JSON.stringify(blocks)).toContain('/dbconn help');
    expect(blocks).toHaveLength(1);
  });

  test('help about a word shows how to type it, and does nothing', async () => {
    const slack = await arrange(mode);
    await slack.typeCommand({ user: ana, channel: database, text: '/dbconn escalate help' });
    const { blocks } = await whispered(slack, ana, 'escalate: notify a contact');
    expect(JSON.stringify(blocks)).toContain('/dbconn escalate it fills again');
    expect(slack.state.channels.flatMap(({ messages }) => messages)).toEqual([]);
  });

  test('a target with a dot is understood, and a wrong one is corrected', async () => {
    const slack = await arrange(mode);
    await slack.typeCommand({ user: ana, channel: random, text: '/dbconn pool billing.prod' });
    await whispered(slack, ana, 'Pools of billing.prod');
    await slack.typeCommand({ user: ana, channel: random, text: '/dbconn pool biling.prod' });
    const { text } = await whispered(slack, ana, 'Did you mean');
    expect(text).toBe('Unknown target. Did you mean billing.prod?');
  });

  test('what people type is not repeated to Slack as markup', async () => {
    const slack = await arrange(mode);
    await slack.typeCommand({ user: ana, channel: database, text: '/dbconn <!channel> & co' });
    await whispered(slack, ana, 'Unknown word');
    expect(JSON.stringify(everything(slack))).not.toContain('!channel');
  });

  test('a look that takes long says so, and still answers', async () => {
    const { monitor, finish } = aHeldLook();
    const slack = await arrange(mode, { monitor, replyTimeouts: { slowAfterMs: 20 } });
    await slack.typeCommand({ user: ana, channel: database, text: '/dbconn status' });
    await whispered(slack, ana, 'Still checking orders');
    expect(slack.state.channels.flatMap(({ messages }) => messages)).toEqual([]);
    finish();
    await said(slack, database, '94 of 97');
  });

  test('a look that never ends is given up with what to do next', async () => {
    const { monitor } = aHeldLook();
    const slack = await arrange(mode, { monitor, replyTimeouts: { giveUpAfterMs: 50 } });
    await slack.typeCommand({ user: ana, channel: database, text: '/dbconn status' });
    const { text } = await whispered(slack, ana, 'did not end');
    expect(text).toContain('Try /dbconn doctor orders, and go on by hand');
    await expect.poll(() => open.app?.state.commandsInFlight, { timeout: patienceMs }).toBe(0);
  });

  test('a fault of dbconn is answered by a reference into its log, never by its text', async () => {
    const { log, lines } = aLog();
    const diagnose = (): Promise<Diagnosis> => Promise.reject(new Error('secret of the house'));
    const slack = await arrange(mode, { log, monitor: aMonitor({ diagnose }) });
    await slack.typeCommand({ user: ana, channel: database, text: '/dbconn status' });
    const { text } = await whispered(slack, ana, 'a fault of dbconn');
    expect(text).not.toContain('secret of the house');
    const [, reference = 'none'] = /under (\w{8})/.exec(text) ?? [];
    const line = lines.find((candidate) => candidate.includes(reference));
    expect(line).toContain('secret of the house');
  });

  test('a response URL that has run out is replaced by a message of the bot', async () => {
    const { monitor, finish } = aHeldLook();
    let now = Date.now();
    const slack = await arrange(mode, { monitor }, () => now);
    await slack.typeCommand({ user: ana, channel: database, text: '/dbconn sources' });
    await slack.typeCommand({ user: ana, channel: database, text: '/dbconn status' });
    now += 31 * 60_000;
    finish();
    await whispered(slack, ana, 'Sources of orders');
    const { blocks } = await said(slack, database, '94 of 97');
    expect(blocks?.map(({ type }) => type)).toContain('table');
  });

  test('an answer nobody can be given is logged, and the next command works', async () => {
    const { log, lines } = aLog();
    const { monitor, finish } = aHeldLook();
    let now = Date.now();
    const slack = await arrange(mode, { log, monitor }, () => now);
    await slack.typeCommand({ user: ben, channel: random, text: '/dbconn status' });
    now += 31 * 60_000;
    finish();
    await slack.typeCommand({ user: ben, channel: random, text: '/dbconn sources' });
    await whispered(slack, ben, 'Sources of orders');
    const complaint = (): string | undefined =>
      lines.find((line) => line.includes('could not be answered'));
    await expect.poll(complaint, { timeout: patienceMs }).toContain('not_in_channel');
    expect(complaint()).toContain('HTTP 404');
  });

  test('a flood of commands is refused beyond thirty, and the thirty are answered', async () => {
    const { monitor, finish, looked } = aHeldLook();
    const slack = await arrange(mode, { monitor });
    for (let i = 0; i < 30; i++) {
      await slack.typeCommand({ user: ana, channel: database, text: '/dbconn sources' });
    }
    await slack.typeCommand({ user: ben, channel: random, text: '/dbconn sources' });
    await whispered(slack, ben, 'already answering 30 commands');
    expect(looked).toHaveLength(30);
    finish();
    await slack.waitFor(
      ({ ephemerals }) =>
        ephemerals.filter(({ user }) => user === ana).length === 30 ? true : undefined,
      patienceMs,
    );
  });

  test('a button of an older version is answered', async () => {
    const slack = await arrange(mode);
    const ts = await postOldButton(slack);
    const press = { user: ana, channel: database, ts, actionId: 'dbconn_of_long_ago' };
    expect(await slack.pressButton(press)).toEqual({ acked: true });
    await whispered(slack, ana, 'does nothing any more');
  });
});

async function postOldButton(slack: LocalSlack): Promise<string> {
  const response = await fetch(`${slack.apiUrl}chat.postMessage`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${botToken}` },
    body: JSON.stringify({
      channel: database,
      text: 'An old card',
      blocks: [
        {
          type: 'actions',
          elements: [
            {
              type: 'button',
              action_id: 'dbconn_of_long_ago',
              text: { type: 'plain_text', text: 'Approve' },
            },
          ],
        },
      ],
    }),
  });
  expect(await response.json()).toMatchObject({ ok: true });
  const { ts } = await said(slack, database, 'An old card');
  return ts;
}
