import { WebClient } from '@slack/web-api';
import { afterEach, expect, test } from 'vitest';
import { toText } from '../../sandbox/message-text.ts';
import type { LocalSlack } from '../../sandbox/slack/server.ts';
import { advance } from '../../src/runbook/approvals/request.ts';
import type { ApprovalRequest } from '../../src/runbook/approvals/request.ts';

import { createCards } from '../../src/slack/live/request-cards.ts';
import { clientOptions } from '../../src/slack/connection/client.ts';
import { requestCard } from '../../src/slack/messages/request-card.ts';
import { createReadNames } from '../../src/slack/live/names.ts';
import { createOutbox } from '../../src/slack/live/outbox.ts';
import { buildRequest } from '../runbook/approvals/builders.ts';
import { aLog, botToken } from '../slack/support/workspace.ts';
import { playScripted } from './support/scripted.ts';
import {
  ask,
  card,
  database,
  jonas,
  maya,
  messagesOf,
  openSlack,
  press,
} from './support/conversation.ts';
import { until } from '../support/until.ts';
import type { Place } from '../../src/runbook/approvals/notices.ts';

// A process that was paused between the journal's last write and the card's: SIGSTOP, and SIGCONT later.

let slack: LocalSlack | undefined;
afterEach(async () => {
  await slack?.close();
  slack = undefined;
});

test('a card whose writing broke off in the journal is written again without waiting for a round', async () => {
  const { stage, bot } = await playScripted();
  await ask(stage, maya, 'propose A');
  const { ts } = await card(stage, 'Proposed');
  const { journal } = bot;
  const readSteps = journal.readSteps.bind(journal);
  const failing = { readSteps: () => Promise.reject(new Error('The connection ended.')) };
  Object.assign(journal, failing);
  const open = await bot.approvals.list();
  const id = open.ok ? (open.value[0]?.id ?? '') : '';
  await press(stage, { user: jonas, ts });
  await bot.approvals.settled(id);
  expect(await bot.cards.shown(id)).toBe('no answer');
  Object.assign(journal, { readSteps });
  expect((await card(stage, 'Fixed')).ts).toBe(ts);
});

test('a process that stood still while another finished its request does not show the older state afterwards', async () => {
  slack = await openSlack();
  const room = { slack };
  const approved: ApprovalRequest = advance(await buildRequest(), 'approved', {});
  const closing = { by: null, at: '2026-11-23T03:01:00.000Z', sentence: 'It ended.', reason: null };
  const failed = advance(approved, 'failed', { closing });
  const { log } = aLog();
  const client = new WebClient(botToken, {
    ...clientOptions({ apiUrl: slack.apiUrl, log }),
    retryConfig: { retries: 0 },
  });
  let place: Place | undefined;
  const proposed: ApprovalRequest = { ...approved, state: 'proposed', version: 1, votes: [] };
  let stored = proposed;
  const cards = createCards({
    client,
    outbox: createOutbox({ sendIntervalMs: 0, log }),
    readNames: createReadNames(client),
    channel: database,
    log,
    readRequest: () => Promise.resolve(stored),
    places: {
      readPlace: () => Promise.resolve(place),
      writePlace: (_id, at) => Promise.resolve((place = at)),
    },
  });
  cards.tell(proposed);
  await cards.shown(approved.id);
  // Paused with its edit on the way: what Slack answers is lost, and meanwhile another process ends the request.
  slack.interfere('chat.update', { kind: 'answer-lost' });
  stored = approved;
  cards.tell(approved);
  await card(room, 'Approved');
  stored = failed;
  const { text, blocks } = requestCard(failed);
  await client.chat.update({ channel: database, ts: place?.ts ?? '', text, blocks: [...blocks] });
  await until('it has looked again', async () => {
    await cards.shown(failed.id);
    return messagesOf(room).some((one) => toText(one).includes('It ended.'));
  });
  await cards.drain(5000);
  expect(messagesOf(room).filter(({ thread_ts: thread }) => thread === undefined)).toMatchObject([
    { text: expect.stringMatching(/^Failed/) as unknown },
  ]);
});
