import { expect, test } from 'vitest';
import { advance } from '../../src/runbook/approvals/request.ts';
import type { ApprovalRequest } from '../../src/runbook/approvals/request.ts';
import { toText } from '../../sandbox/message-text.ts';
import type { SlackMessage } from '../../sandbox/slack/workspace.ts';
import { playScripted } from './support/scripted.ts';
import type { Scripted } from './support/scripted.ts';
import { ask, card, maya, messagesOf, threadWith } from './support/conversation.ts';
import type { Bot } from './support/conversation.ts';

async function only({ approvals }: Bot): Promise<ApprovalRequest> {
  const open = await approvals.list();
  const [request] = open.ok ? open.value : [];
  if (request === undefined) throw new Error('Nothing is proposed.');
  return request;
}

function cards({ stage }: Scripted): readonly SlackMessage[] {
  return messagesOf(stage).filter(({ thread_ts: thread }) => thread === undefined);
}

test('a card that Slack took and whose answer was lost is found again, and not posted twice', async () => {
  const scripted = await playScripted();
  const { stage, bot } = scripted;
  stage.slack.interfere('chat.postMessage', { kind: 'answer-lost' });
  await ask(stage, maya, 'propose A');
  const { ts } = await card(stage, 'Proposed');
  await bot.cards.catchUp(bot.approvals);
  const { id } = await only(bot);
  await bot.cards.shown(id);
  expect(cards(scripted)).toHaveLength(1);
  expect(await bot.cards.placeOf(id)).toMatchObject({ ts });
});

test('what ended while whoever told it was killed is shown as ended by the next, once', async () => {
  const scripted = await playScripted();
  const { stage, bot } = scripted;
  await ask(stage, maya, 'propose A');
  const { ts } = await card(stage, 'Proposed');
  const request = await only(bot);
  await bot.stop();

  const second = await stage.start();
  await second.cards.shown(request.id);
  const closing = { by: null, at: new Date().toISOString(), sentence: 'Too late.', reason: null };
  const ended = advance(request, 'expired', { closing });
  // As if this had been written right before the end of the process.
  const entry = { request: request.id, kind: 'expired', body: closing };
  expect(await second.journal.move(request.version, ended, entry)).toBe('moved');
  await second.stop();

  for (const next of [await stage.start(), await stage.start()]) {
    await next.cards.shown(request.id);
    expect(await threadWith(stage, { ts }, 'journal entry')).toMatch(
      /^(?!.*journal entry.*journal entry)/s,
    );
  }
  expect(cards(scripted).map(({ text }) => text)).toEqual([expect.stringContaining('Expired')]);
  const ends = messagesOf(stage).filter((one) => toText(one).includes('journal entry'));
  expect(ends).toHaveLength(1);
});
