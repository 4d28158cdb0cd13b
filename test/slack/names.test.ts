import { afterEach, expect, test } from 'vitest';
import { toText } from '../../sandbox/message-text.ts';
import type { SlackMessage } from '../../sandbox/slack/workspace.ts';
import { buildIncident } from '../journal/build-incident.ts';
import { patienceMs } from '../support/until.ts';
import { aView, openBoardWorld, textOf } from './support/incident-board.ts';
import type { BoardWorld } from './support/incident-board.ts';
import { ana, ben, readManifest } from './support/workspace.ts';

let world: BoardWorld | undefined;
afterEach(async () => {
  await world?.close();
  world = undefined;
});

async function open(slack: NonNullable<Parameters<typeof openBoardWorld>[0]>['slack'] = {}) {
  world = await openBoardWorld({ slack });
  return world;
}

/** The incident as it is after some changes, with Ana as its owner. */
function ownedByAna({ incident }: BoardWorld, version: number): ReturnType<typeof aView> {
  const assignee = { by: { id: ana, via: 'slack' }, at: incident.openedAt } as const;
  return aView({ incident: buildIncident({ ...incident, version, assignee }) });
}

async function shown(it: BoardWorld, ...versions: readonly number[]): Promise<string> {
  const board = it.board();
  for (const version of versions) {
    board.show(ownedByAna(it, version));
    await board.idle(patienceMs);
  }
  return textOf(it.parents());
}

function mentionsIn(messages: readonly SlackMessage[]): string[] {
  return JSON.stringify(messages).match(/"type":"user"|<@/g) ?? [];
}

test('what people did themselves names them in bold and notifies none of them, on the card and in the thread', async () => {
  const it = await open();
  await it.note(`<@${ana}> took over from <@${ben}>.`);
  expect(await shown(it, 1)).toContain('Owner: @ana since');
  expect(textOf(it.replies())).toContain('@ana took over from @ben.');
  expect(
    it
      .replies()
      .map(({ text }) => text)
      .join('\n'),
  ).toContain('ana took over from ben.');
  expect(mentionsIn([...it.parents(), ...it.replies()])).toEqual([]);
  expect(await shown(it, 2, 3)).toContain('Owner: @ana since');
});

test('a question to somebody notifies them', async () => {
  const it = await open();
  await shown(it, 1);
  await it.board().ask(it.incident, { key: 'ask:1', sentence: `<@${ana}>, is it still yours?` });
  const asked = it.replies().filter((one) => toText(one).includes('still yours'));
  expect(mentionsIn(asked)).toHaveLength(2);
});

test('a name that Slack said once is known while Slack does not say it', async () => {
  const it = await open();
  const board = it.board();
  board.show(ownedByAna(it, 1));
  await board.idle(patienceMs);
  it.slack.interfere('users.info', { kind: 'refused', error: 'fatal_error' }, 100);
  await it.note(`<@${ana}> silenced it, not <@${ben}>.`);
  board.show(ownedByAna(it, 2));
  await board.idle(patienceMs);
  expect(textOf(it.replies())).toContain(`@ana silenced it, not @${ben}.`);
});

test('without the scope to read names a new message has the id, and an edited one the mention', async () => {
  const scopes = ['chat:write', 'commands', 'channels:history'];
  const it = await open({ manifest: readManifest(scopes) });
  const board = it.board();
  board.show(ownedByAna(it, 1));
  await board.idle(patienceMs);
  expect(textOf(it.parents())).toContain(`Owner: @${ana} since`);
  expect(mentionsIn(it.parents())).toEqual([]);
  board.show(ownedByAna(it, 2));
  await board.idle(patienceMs);
  expect(mentionsIn(it.parents())).not.toEqual([]);
});

test.for([
  ['<!channel> & co', '&lt;!channel&gt; &amp; co'],
  ['*bold* `code` ~x~ _y_', 'bold code x y'],
  ['@channel', 'channel'],
  ['\u202eevil', 'evil'],
] as const)('a person called %s begins no mention and no markup', async ([name, text]) => {
  const it = await open({
    people: [
      { id: ana, name, realName: 'Ana' },
      { id: ben, name: 'ben', realName: 'Ben' },
    ],
  });
  await it.note(`<@${ana}> silenced it.`);
  await shown(it, 1);
  const [reply] = it.replies();
  expect(reply?.text).toContain(`${text} silenced it.`);
  expect(mentionsIn(it.replies())).toEqual([]);
});

test('two people of one name are told apart by their ids, and a third by the name alone', async () => {
  const carl = 'U0CARL0000';
  const it = await open({
    people: [
      { id: ana, name: 'Maya', realName: 'Ana' },
      { id: ben, name: '*maya*', realName: 'Ben' },
      { id: carl, name: 'carl', realName: 'Carl' },
    ],
  });
  await it.note(`<@${ana}> took over from <@${ben}>, not <@${carl}>.`);
  await shown(it, 1, 2);
  const both = `@Maya (${ana}) took over from @*maya* (${ben}), not @carl.`;
  expect(textOf(it.replies())).toContain(both);
  expect(textOf(it.parents())).toContain(`Owner: @Maya (${ana}) since`);
});
