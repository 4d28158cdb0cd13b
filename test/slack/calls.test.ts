import { afterEach, beforeEach, expect, test } from 'vitest';
import type { LocalSlack } from '../../sandbox/slack/server.ts';
import type { EscalatorDeps } from '../../src/runbook/escalation/escalator-deps.ts';

import { createNotifier } from '../../src/slack/live/notifier.ts';
import { Killed, killedAt } from '../runbook/escalation/killed-at.ts';
import { aStep, openSwitchboard } from '../runbook/escalation/switchboard.ts';
import type { Switchboard } from '../runbook/escalation/switchboard.ts';
import { ana, aLog, botToken, database, openSlack } from './support/workspace.ts';
import type { Place } from '../../src/runbook/approvals/notices.ts';

let board: Switchboard;
let slack: LocalSlack;
beforeEach(async () => {
  board = await openSwitchboard();
  slack = await openSlack('http');
});
afterEach(async () => {
  await slack.close();
  await board.close();
});

/** A process that calls people through Slack's own client. */
function process(): Partial<EscalatorDeps> {
  const places = {
    readPlace: () => Promise.resolve(undefined),
    writePlace: (_id: string, place: Place) => Promise.resolve(place),
  };
  const { log } = aLog();
  const news = {
    botToken,
    apiUrl: slack.apiUrl,
    channel: database,
    places,
    log,
    sendIntervalMs: 0,
  };
  const { announcements } = createNotifier(news);
  const contacts = { databaseAdmins: 'S0DBA', backendLead: ana };
  return {
    announcements,
    channel: database,
    targets: [{ name: 'shop', contacts, links: { guides: [] } }],
    board: { ask: () => Promise.resolve(), placeOf: () => Promise.resolve(undefined) },
  };
}

function said(): readonly string[] {
  return slack.state.channels.flatMap(({ id, messages }) =>
    messages.map(({ text }) => `${id === database ? 'channel' : 'direct'}: ${text}`),
  );
}

test.for([1, 2, 3, 4].flatMap((write) => [[write, 'before'] as const, [write, 'after'] as const]))(
  'killed at write %i, %s it, nobody is called twice in Slack',
  async ([write, moment]) => {
    await board.open({ policy: [aStep(), aStep({ who: 'backend-lead' })] });
    const killed = board.escalator({ ...process(), log: killedAt(board.journal, write, moment) });
    await expect(board.advance(killed)).rejects.toThrow(Killed);
    const restarted = board.escalator(process());
    await board.advance(restarted);
    await board.advance(restarted);
    expect(said()).toEqual([
      expect.stringMatching(/^channel: .*shop needs the database admins/),
      expect.stringMatching(/^direct: .*shop needs the backend lead/),
    ]);
  },
);

test('a call whose answer was lost stands once', async () => {
  await board.open({ policy: [aStep()] });
  slack.interfere('chat.postMessage', { kind: 'answer-lost' });
  const escalator = board.escalator(process());
  await board.rounds(escalator, 3, 20_000);
  expect(said()).toHaveLength(1);
  expect((await board.read()).escalations).toMatchObject([{ state: 'sent', tries: 2 }]);
});
