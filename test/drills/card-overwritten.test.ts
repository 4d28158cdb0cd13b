import { WebClient } from '@slack/web-api';
import { afterEach, expect, test } from 'vitest';
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
import { until } from '../support/until.ts';
import { database, messagesOf, openSlack } from './support/conversation.ts';
import type { Place } from '../../src/runbook/approvals/notices.ts';

let slack: LocalSlack | undefined;
afterEach(async () => {
  await slack?.close();
  slack = undefined;
});

test('a card that was written late over the end that another process had told shows the end again', async () => {
  slack = await openSlack();
  const room = { slack };
  const approved: ApprovalRequest = advance(await buildRequest(), 'approved', {});
  const proposed: ApprovalRequest = { ...approved, state: 'proposed', version: 1, votes: [] };
  const closing = { by: null, at: '2026-11-23T03:01:00.000Z', sentence: 'It ended.', reason: null };
  const failed = advance(approved, 'failed', { closing });
  const { log, lines } = aLog();
  const client = new WebClient(botToken, clientOptions({ apiUrl: slack.apiUrl, log }));
  let place: Place | undefined;
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
      writePlace: (_id, at) => Promise.resolve((place ??= at)),
    },
  });
  cards.tell(proposed);
  await cards.shown(proposed.id);
  // This process waits for Slack with "Approved", and meanwhile the other one ends the request and says so.
  slack.interfere('chat.update', { kind: 'ratelimited', retryAfterSeconds: 1 });
  stored = approved;
  cards.tell(approved);
  await until('it waits', () => Promise.resolve(lines.join('').includes('not take a message yet')));
  stored = failed;
  const { text, blocks } = requestCard(failed);
  await client.chat.update({ channel: database, ts: place?.ts ?? '', text, blocks: [...blocks] });
  await cards.shown(failed.id);
  expect(messagesOf(room)[0]?.text).toMatch(/^Failed/);
});
