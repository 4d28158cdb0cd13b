import { afterEach, expect, test } from 'vitest';

import { createNotifier } from '../../src/slack/live/notifier.ts';
import type { SlackOptions } from '../../sandbox/slack/options.ts';
import type { LocalSlack } from '../../sandbox/slack/server.ts';
import type { SlackMessage } from '../../sandbox/slack/workspace.ts';
import {
  ana,
  aLog,
  ben,
  botToken,
  database,
  openSlack,
  readManifest,
} from './support/workspace.ts';
import type { Announcements, Place } from '../../src/runbook/approvals/notices.ts';

let slack: LocalSlack | undefined;
afterEach(async () => {
  await slack?.close();
  slack = undefined;
});

async function open(
  changes: Partial<SlackOptions> = {},
): Promise<{ slack: LocalSlack; announcements: Announcements }> {
  slack = await openSlack('http', changes);
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
  return { slack, announcements: createNotifier(news).announcements };
}

function saidIn(local: LocalSlack, isIt: (id: string) => boolean): readonly SlackMessage[] {
  return local.state.channels.filter(({ id }) => isIt(id)).flatMap(({ messages }) => messages);
}

const call = { to: database, mention: null, headline: 'Orders is full.', quote: null };

test.for([
  ['the channel', database],
  ['direct messages', ana],
] as const)('what may stand in %s already is looked for, and said once', async ([, to]) => {
  const { slack: local, announcements } = await open();
  const keyed = { ...call, to, key: 'inc-1/step-0' };
  await announcements.announce(keyed);
  await announcements.announce({ ...keyed, mayStand: true });
  await announcements.announce({ ...keyed, key: 'inc-1/step-1', mayStand: true });
  const said = saidIn(local, (id) => (to === database ? id === database : id.startsWith('D')));
  expect(said).toHaveLength(2);
});

test('without the scopes to read it is said twice rather than not at all', async () => {
  const manifest = readManifest(['chat:write', 'commands']);
  const { slack: local, announcements } = await open({ manifest });
  const keyed = { ...call, key: 'inc-1/step-0', mayStand: true };
  await announcements.announce(keyed);
  await announcements.announce(keyed);
  expect(saidIn(local, (id) => id === database)).toHaveLength(2);
});

test('a call into a thread is shown in the channel as well', async () => {
  const { slack: local, announcements } = await open();
  await announcements.announce(call);
  const [parent] = saidIn(local, (id) => id === database);
  const thread = parent?.ts ?? '';
  await announcements.announce({ ...call, headline: 'Come here.', thread });
  const [, reply] = saidIn(local, (id) => id === database);
  expect(reply).toMatchObject({ thread_ts: thread, subtype: 'thread_broadcast' });
});

test('where the message was deleted a call goes out into the channel', async () => {
  const { slack: local, announcements } = await open();
  await announcements.announce(call);
  const [parent] = saidIn(local, (id) => id === database);
  const thread = parent?.ts ?? '';
  await local.deleteMessage({ user: ana, channel: database, ts: thread });
  await announcements.announce({ ...call, headline: 'Come here.', thread });
  const said = saidIn(local, (id) => id === database).map(({ text }) => text);
  expect(said.join()).toContain('Come here.');
});

test('a keyed call whose answer was lost is not sent again by itself', async () => {
  const { slack: local, announcements } = await open();
  local.interfere('chat.postMessage', { kind: 'answer-lost' });
  const keyed = { ...call, key: 'inc-1/step-0' };
  await expect(announcements.announce(keyed)).rejects.toThrow(/request|fetch|socket/i);
  await announcements.announce({ ...keyed, mayStand: true });
  expect(saidIn(local, (id) => id === database)).toHaveLength(1);
});

test('an escalation notifies whom it mentions, and a notice to all names people', async () => {
  const { slack: local, announcements } = await open();
  await announcements.announce({ ...call, mention: ana, headline: `<@${ben}> asks for help.` });
  await announcements.announce({ ...call, headline: `<@${ana}> resumed changes.` });
  const [escalation, notice] = saidIn(local, (id) => id === database);
  expect(JSON.stringify(escalation?.blocks)).toContain(`"user_id":"${ana}"`);
  expect(escalation?.text).toBe(`<@${ben}> asks for help.`);
  expect(notice?.text).toBe('ana resumed changes.');
  expect(JSON.stringify(notice?.blocks)).not.toContain('user_id');
});
