import { expect, test } from 'vitest';
import { identity } from '../../../sandbox/slack/identity.ts';
import { startAnsweringApp } from './support/answering-app.ts';
import type { Seen } from './support/answering-app.ts';
import { callApi, toReply } from './support/call-api.ts';
import { ADA, BOB, DATABASE, EVE, ONCALL, startTestSlack } from './support/local-slack.ts';

const people = [
  { id: ADA, name: 'ada', realName: 'Ada Lovelace' },
  { id: BOB, name: 'bob', realName: 'Bob Guest', guest: 'single-channel' },
  { id: EVE, name: 'eve', realName: 'Eve Outside', team: 'T0ELSEWHERE' },
] as const;
const channels = [{ id: DATABASE, name: 'database', members: [ADA, EVE, identity.botUserId] }];

test('users.info tells full members, guests of one channel and people of other workspaces apart', async () => {
  const slack = await startTestSlack({ people, channels, userGroups: [] });
  const info = async (user: string): Promise<unknown> =>
    (await callApi(slack, 'users.info', { user }))['user'];
  expect(await info(ADA)).toMatchObject({
    team_id: identity.teamId,
    is_restricted: false,
    is_ultra_restricted: false,
  });
  expect(await info(ADA)).not.toHaveProperty('is_stranger');
  expect(await info(BOB)).toMatchObject({ is_restricted: true, is_ultra_restricted: true });
  expect(await info(EVE)).toMatchObject({ team_id: 'T0ELSEWHERE', is_stranger: true });
});

test('a press of somebody from another workspace names that workspace', async () => {
  const seen: Seen = [];
  const requestUrl = await startAnsweringApp({}, seen);
  const slack = await startTestSlack({
    people,
    channels,
    userGroups: [],
    mode: 'http',
    requestUrl,
  });
  const text = { type: 'plain_text', text: 'Press' };
  const blocks = [{ type: 'actions', elements: [{ type: 'button', action_id: 'a', text }] }];
  const { ts } = await callApi(slack, 'chat.postMessage', { channel: DATABASE, text: 'x', blocks });
  const press = { user: EVE, channel: DATABASE, ts: String(ts), actionId: 'a' };
  expect(await slack.pressButton(press)).toEqual({ acked: true });
  const payload = new URLSearchParams(seen.at(-1)?.body).get('payload') ?? '{}';
  expect(toReply(JSON.parse(payload))).toMatchObject({
    team: { id: identity.teamId },
    user: { id: EVE, team_id: 'T0ELSEWHERE' },
  });
});

test('a disabled group is found only by who asks for disabled ones', async () => {
  const userGroups = [{ id: ONCALL, handle: 'oncall', members: [ADA], disabled: true }];
  const slack = await startTestSlack({ userGroups });
  const group = { usergroup: ONCALL };
  expect(await callApi(slack, 'usergroups.users.list', group)).toMatchObject({
    error: 'no_such_subteam',
  });
  expect(
    await callApi(slack, 'usergroups.users.list', { ...group, include_disabled: true }),
  ).toMatchObject({ users: [ADA] });
  expect(await callApi(slack, 'usergroups.list')).toMatchObject({ usergroups: [] });
  expect(await callApi(slack, 'usergroups.list', { include_disabled: true })).toMatchObject({
    usergroups: [{ id: ONCALL }],
  });
});
