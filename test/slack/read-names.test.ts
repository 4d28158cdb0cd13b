import { WebClient } from '@slack/web-api';
import { afterEach, expect, test } from 'vitest';
import { writeReport } from '../../src/runbook/reports/write-report.ts';
import { readNames } from '../../src/slack/live/post-report.ts';
import { createPostedMessages } from '../../src/slack/live/posted-messages.ts';
import { createOutbox } from '../../src/slack/live/outbox.ts';
import type { LocalSlack } from '../../sandbox/slack/server.ts';
import { buildIncident } from '../journal/build-incident.ts';
import { aTarget } from './support/diagnoses.ts';
import { aLog, ana, ben, botToken, openSlack } from './support/workspace.ts';

let slack: LocalSlack | undefined;
afterEach(() => slack?.close());

test('people in a report are looked up while messages wait for their turn', async () => {
  slack = await openSlack('http');
  const { log } = aLog();
  const client = new WebClient(botToken, { slackApiUrl: slack.apiUrl });
  const [outbox, reading] = [
    createOutbox({ sendIntervalMs: 0, log }),
    createOutbox({ sendIntervalMs: 0, log }),
  ];
  const held = Promise.withResolvers<void>();
  const before = outbox.send(() => held.promise);
  const at = '2026-11-23T03:00:00.000Z';
  const note = { kind: 'incident-seen', seq: 1, at, by: { id: ben, via: 'slack' } } as const;
  const report = writeReport({
    incident: buildIncident({ assignee: { by: { id: ana, via: 'slack' }, at } }),
    notes: [{ ...note, sentence: 'It goes on.' }],
    requests: [],
    target: aTarget(),
  });
  const postedMessages = createPostedMessages({ client, outbox: reading, log });
  const names = await readNames({ client, outbox, reading, postedMessages }, report);
  expect([...names.keys()].toSorted()).toEqual([ana, ben].toSorted());
  held.resolve();
  await before;
});
