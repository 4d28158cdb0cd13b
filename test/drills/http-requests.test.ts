import { expect, test } from 'vitest';
import { actionIds, blockIds } from '../../src/slack/messages/kit/action-ids.ts';
import { createSlackApp } from '../../src/slack/app.ts';
import { aLog, aMonitor, botToken, noChanges } from '../slack/support/workspace.ts';
import { playScripted } from './support/scripted.ts';
import type { Scripted } from './support/scripted.ts';
import { send, sign } from './support/signed.ts';
import { ask, card, database, jonas, maya } from './support/conversation.ts';
import { toText } from '../../sandbox/message-text.ts';
import { identity } from '../../sandbox/slack/identity.ts';
import { patienceMs } from '../support/until.ts';

interface Proposed extends Scripted {
  readonly ts: string;
  /** Jonas's press on Approve, as Slack would send it. */
  readonly approval: string;
}

async function proposed(): Promise<Proposed> {
  const scripted = await playScripted({ mode: 'http' });
  const { stage, bot } = scripted;
  await ask(stage, maya, 'propose A');
  const { ts } = await card(stage, 'Proposed');
  const open = await bot.approvals.list();
  const id = open.ok ? (open.value[0]?.id ?? '') : '';
  return { ...scripted, ts, approval: toBody(pressing(ts, [button(id)])) };
}

function button(value: string): object {
  return {
    type: 'button',
    action_id: actionIds.approve,
    block_id: blockIds.request,
    value,
    action_ts: '1.1',
  };
}

function pressing(ts: string, actions: readonly object[]): object {
  return {
    type: 'block_actions',
    team: { id: identity.teamId },
    user: { id: jonas, team_id: identity.teamId },
    channel: { id: database },
    container: { type: 'message', message_ts: ts, channel_id: database },
    message: { ts },
    trigger_id: '1.1.trigger',
    response_url: 'http://127.0.0.1:9/nobody-listens',
    actions,
  };
}

function toBody(payload: object): string {
  return new URLSearchParams({ payload: JSON.stringify(payload) }).toString();
}

test.for([
  ['unsigned', () => new Headers({ 'content-type': 'application/x-www-form-urlencoded' })],
  ['signed with another secret', (body: string) => sign(body, { secret: 'a guess' })],
  ['signed for another body', () => sign('payload=%7B%7D')],
  ['signed more than five minutes from now', (body: string) => sign(body, { agedSeconds: -310 })],
  ['signed over five minutes ago', (body: string) => sign(body, { agedSeconds: 301 })],
] as const)('a vote that is %s is answered 401, and nothing runs', async ([, headersOf]) => {
  const world = await proposed();
  const { status } = await send(world.bot, world.approval, headersOf(world.approval));
  expect(status).toBe(401);
  expect(await world.bot.approvals.list()).toMatchObject({
    value: [{ state: 'proposed', votes: [] }],
  });
  expect(world.remedy.runs).toBe(0);
});

test('a vote that is sent twice counts once, and the second time is answered 401', async () => {
  const world = await proposed();
  const headers = sign(world.approval);
  const statuses = await Promise.all(
    [1, 2].map(async () => (await send(world.bot, world.approval, headers)).status),
  );
  expect(statuses.toSorted((a, b) => a - b)).toEqual([200, 401]);
  await card(world.stage, 'Fixed');
  expect((await send(world.bot, world.approval, headers)).status).toBe(401);
  expect(world.remedy.runs).toBe(1);
});

test('a request that was refused as badly signed does not lock out the right one', async () => {
  const world = await proposed();
  const headers = sign(world.approval);
  expect((await send(world.bot, `${world.approval}&x=1`, headers)).status).toBe(401);
  expect((await send(world.bot, world.approval, headers)).status).toBe(200);
  await card(world.stage, 'Fixed');
});

test('a press that carries more than one action is answered, logged, and does nothing', async () => {
  const world = await proposed();
  const { stage, bot, ts } = world;
  const open = await bot.approvals.list();
  const id = open.ok ? (open.value[0]?.id ?? '') : '';
  const body = toBody(pressing(ts, [button(id), button(id)]));
  expect((await send(world.bot, body, sign(body))).status).toBe(200);
  await stage.slack.waitFor(({ ephemerals }) => {
    const own = ephemerals.filter(({ user }) => user === jonas);
    return own.find(({ message }) => toText(message).includes('is not from a message of dbconn'));
  }, patienceMs);
  expect(stage.lines.join('')).toContain('A press was not one of ours');
  expect(await bot.approvals.list()).toMatchObject({ value: [{ state: 'proposed', votes: [] }] });
});

test.for([
  ['of an older dbconn', 'dbconn_gone', '{}', 'older dbconn'],
  [
    'with a memory dbconn never wrote',
    'dbconn_deny_reason',
    'no json',
    'does not belong to this dbconn',
  ],
] as const)('a dialog %s is answered and does nothing', async ([, callback, memory, words]) => {
  const world = await proposed();
  const body = toBody({
    type: 'view_submission',
    team: { id: identity.teamId },
    user: { id: jonas, team_id: identity.teamId },
    view: { id: 'V1', callback_id: callback, private_metadata: memory, state: { values: {} } },
    response_urls: [],
  });
  const response = await send(world.bot, body, sign(body));
  expect(response.status).toBe(200);
  expect(await response.text()).toContain(words);
  expect(await world.bot.approvals.list()).toMatchObject({
    value: [{ state: 'proposed', votes: [] }],
  });
});

test('without a signing secret the bot does not start', () => {
  const options = {
    connection: { kind: 'http', signingSecret: '', port: 0 },
    botToken,
    monitor: aMonitor(),
    changes: noChanges(),
    log: aLog().log,
  } as const;
  expect(() => createSlackApp(options)).toThrow(/signing ?secret/i);
});
