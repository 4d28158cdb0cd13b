import { WebClient } from '@slack/web-api';
import { expect, test } from 'vitest';
import { toText } from '../../sandbox/message-text.ts';
import type { SlackMessage } from '../../sandbox/slack/workspace.ts';
import { createPlaces } from '../../src/journal/message-places.ts';
import { cardKeyOf, endKeyOf } from '../../src/slack/live/find-request-card.ts';
import { done } from '../../src/runbook/remedies/remedy.ts';
import { keyed } from '../../src/slack/live/posted-messages.ts';
import { buildPlan } from '../runbook/approvals/builders.ts';
import { botToken } from '../slack/support/workspace.ts';
import { patienceMs, until } from '../support/until.ts';
import { playScripted } from './support/scripted.ts';
import type { Scripted } from './support/scripted.ts';
import {
  ask,
  card,
  database,
  jonas,
  maya,
  messagesOf,
  press,
  threadWith,
} from './support/conversation.ts';
import type { Bot } from './support/conversation.ts';
import { keyOf } from './support/told.ts';

// Two bots on one journal, as during every rolling update.

function withKey({ stage }: Scripted, key: string): readonly SlackMessage[] {
  return messagesOf(stage).filter((one) => keyOf(one) === key);
}

async function onlyId({ approvals }: Bot): Promise<string> {
  const open = await approvals.list();
  const [request, ...others] = open.ok ? open.value : [];
  if (request === undefined || others.length > 0) throw new Error('There is not one request.');
  return request.id;
}

async function untilShown(id: string, ...bots: readonly Bot[]): Promise<void> {
  for (const { cards } of bots) expect(await cards.shown(id)).toBeUndefined();
}

/** Leaves in Slack the same once more, as a process posted it that was killed before it could record it. */
async function postAsKilled({ stage }: Scripted, original: SlackMessage): Promise<string> {
  const client = new WebClient(botToken, { slackApiUrl: stage.slack.apiUrl });
  const { text, blocks = [], thread_ts: thread } = original;
  const content = { text, blocks, ...keyed(keyOf(original) ?? '') };
  const where = { channel: database, ...(thread !== undefined && { thread_ts: thread }) };
  const { ts } = await client.chat.postMessage({ ...where, ...content });
  return ts ?? '';
}

test('a bot that comes up while another one’s first post waits for Slack leaves one card, which can be approved', async () => {
  const scripted = await playScripted();
  const { stage, bot } = scripted;
  stage.slack.interfere('chat.postMessage', { kind: 'ratelimited', retryAfterSeconds: 3 });
  const asked = ask(stage, maya, 'propose A');
  await until('the first post waits', async () =>
    stage.lines.some((line) => line.includes('does not take a message yet')),
  );
  const id = await onlyId(bot);
  const second = await stage.start();
  await untilShown(id, second);
  await asked;
  await untilShown(id, bot, second);
  const [only, ...others] = withKey(scripted, cardKeyOf({ id }));
  expect(others).toEqual([]);
  const { ts } = only ?? { ts: '' };
  expect(await second.cards.placeOf(id)).toMatchObject({ ts });
  await press(stage, { user: jonas, ts });
  expect((await card(stage, 'Fixed')).ts).toBe(ts);
  // What is told in its thread stands there.
  expect(messagesOf(stage).filter(({ thread_ts: thread }) => thread !== ts)).toHaveLength(1);
});

test('a card that a process left behind when it was killed is taken away by the next bot that looks', async () => {
  const scripted = await playScripted();
  const { stage, bot } = scripted;
  await ask(stage, maya, 'propose A');
  const original = await card(stage, 'Proposed');
  const id = await onlyId(bot);
  await postAsKilled(scripted, original);
  await untilShown(id, await stage.start());
  expect(withKey(scripted, cardKeyOf({ id })).map(({ ts }) => ts)).toEqual([original.ts]);
});

test('a bot that cannot look for second cards keeps the card up to date all the same', async () => {
  const { stage, bot } = await playScripted();
  await ask(stage, maya, 'propose A');
  const { ts } = await card(stage, 'Proposed');
  const id = await onlyId(bot);
  const failing = { kind: 'refused', error: 'internal_error' } as const;
  stage.slack.interfere('conversations.history', failing, 100);
  const second = await stage.start();
  await untilShown(id, second);
  expect(await second.approvals.deny(id, { id: jonas, via: 'slack' })).toMatchObject({ ok: true });
  expect((await card(stage, 'Denied')).ts).toBe(ts);
});

test('a press on a card that a process left behind does nothing but take it away', async () => {
  const scripted = await playScripted();
  const { stage, bot } = scripted;
  await ask(stage, maya, 'propose A');
  const original = await card(stage, 'Proposed');
  const id = await onlyId(bot);
  const ts = await postAsKilled(scripted, original);
  expect(await press(stage, { user: jonas, ts })).toContain('nothing was done');
  await untilShown(id, bot);
  expect(withKey(scripted, cardKeyOf({ id })).map((one) => one.ts)).toEqual([original.ts]);
  expect(await bot.approvals.get(id)).toMatchObject({ value: { state: 'proposed', votes: [] } });
});

test('where Slack does not let a second card go, it loses its buttons and says which one to use', async () => {
  const scripted = await playScripted();
  const { stage, bot } = scripted;
  await ask(stage, maya, 'propose A');
  const original = await card(stage, 'Proposed');
  const { ts } = original;
  const id = await onlyId(bot);
  await postAsKilled(scripted, original);
  const refused = { kind: 'refused', error: 'compliance_exports_prevent_deletion' } as const;
  stage.slack.interfere('chat.delete', refused, 10);
  await untilShown(id, await stage.start());
  const others = withKey(scripted, cardKeyOf({ id })).filter((one) => one.ts !== ts);
  expect(others.map((one) => toText(one))).toEqual([
    'This was posted twice. Use the other message.',
  ]);
});

test('of two bots that record a card in the same moment, the journal holds to the first', async () => {
  const { stage, bot } = await playScripted();
  const second = await stage.start();
  const [one, other] = [createPlaces(bot.journal), createPlaces(second.journal)];
  const [first, later, third] = ['1.1', '2.2', '3.3'].map((ts) => ({ channel: database, ts }));
  if (first === undefined || later === undefined || third === undefined) throw new Error('No.');
  expect(await one.writePlace('r1', first, undefined)).toEqual(first);
  expect(await other.writePlace('r1', later, undefined)).toEqual(first);
  expect(await other.readPlace('r1')).toEqual(first);
  // What is gone is replaced, once.
  expect(await one.writePlace('r1', later, first)).toEqual(later);
  expect(await other.writePlace('r1', third, first)).toEqual(later);
});

test('the end of a request that both bots knew as open is told once', async () => {
  const scripted = await playScripted();
  const { stage, bot } = scripted;
  await ask(stage, maya, 'propose A');
  const { ts } = await card(stage, 'Proposed');
  const id = await onlyId(bot);
  const second = await stage.start();
  await untilShown(id, second);
  await press(stage, { user: jonas, ts });
  await card(stage, 'Fixed');
  await bot.approvals.settled(id);
  await untilShown(id, bot);
  await second.cards.catchUp(second.approvals);
  await untilShown(id, second);
  expect(withKey(scripted, endKeyOf({ id }))).toHaveLength(1);
});

test('a bot that knew only the beginning of a step shows what the other one made of it', async () => {
  const { stage, bot, remedy } = await playScripted();
  const { policyVersion: _version, plannedAt: _at, ...draft } = buildPlan({ steps: ['End them'] });
  remedy.propose = () => Promise.resolve(done(draft));
  remedy.recheck = ({ targets }) => Promise.resolve({ left: targets, skipped: [] });
  await ask(stage, maya, 'propose A');
  const { ts } = await card(stage, 'Proposed');
  const id = await onlyId(bot);
  const second = await stage.start();
  const [intended, goOn] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  remedy.during = async (control) => {
    await control.intend({ step: 0, sentence: 'ending them' });
    intended.resolve();
    await goOn.promise;
    await control.record({ step: 0, sentence: 'ended them' });
  };
  await press(stage, { user: jonas, ts });
  await intended.promise;
  const running = await second.approvals.get(id);
  if (!running.ok) throw new Error(running.refusal.why);
  // As a process that ran it, was frozen, and lost it to the other one.
  const [begun] = await second.journal.readSteps(id);
  second.cards.tell(running.value, begun);
  goOn.resolve();
  await card(stage, 'Fixed');
  await bot.approvals.settled(id);
  await untilShown(id, bot);
  await second.cards.catchUp(second.approvals);
  await untilShown(id, second);
  expect(await threadWith(stage, { ts }, 'journal entry')).toContain('✓ End them');
});

test('of an end that two processes told at the same time the first remains', async () => {
  const scripted = await playScripted();
  const { stage, bot } = scripted;
  await ask(stage, maya, 'propose A');
  const { ts } = await card(stage, 'Proposed');
  const id = await onlyId(bot);
  await press(stage, { user: jonas, ts });
  await card(stage, 'Fixed');
  await bot.approvals.settled(id);
  await untilShown(id, bot);
  const [first] = withKey(scripted, endKeyOf({ id }));
  if (first !== undefined) await postAsKilled(scripted, first);
  const second = await stage.start();
  await untilShown(id, second);
  expect(withKey(scripted, endKeyOf({ id }))).toEqual([first]);
});

test('a press on a card that Slack is slow to rewrite does not keep its end from being told', async () => {
  const world = await playScripted();
  const { stage, bot } = world;
  await ask(stage, maya, 'propose A');
  const { ts } = await card(stage, 'Proposed');
  const id = await onlyId(bot);
  stage.slack.interfere('chat.update', { kind: 'ratelimited', retryAfterSeconds: 1 });
  await press(stage, { user: jonas, ts });
  await bot.approvals.settled(id);
  expect(await press(stage, { user: jonas, ts })).not.toBe('');
  await card(stage, 'Fixed');
  await until('its end is told', async () => withKey(world, endKeyOf({ id })).length > 0);
  await bot.cards.drain(patienceMs);
  expect(withKey(world, endKeyOf({ id }))).toHaveLength(1);
});
