import { expect, test } from 'vitest';
import { identity } from '../../sandbox/slack/identity.ts';
import type { SlackOptions } from '../../sandbox/slack/options.ts';
import { readManifest } from '../slack/support/workspace.ts';
import { ask, card, dana, database, guest, jonas, maya, press } from './support/conversation.ts';
import { playScripted } from './support/scripted.ts';
import type { Scripted } from './support/scripted.ts';

/** Who counts, asked of a real conversation with Slack: presses, user groups and what Slack says of people. */

const dba = 'S0DBA00000';
const outsider = 'U0OUTSIDER';
const left = 'U0LEFT0000';

/** Named as approvers: the group, Maya, and two who must not count although they are in both. */
const people: SlackOptions['people'] = [
  { id: maya, name: 'maya', realName: 'Maya' },
  { id: jonas, name: 'jonas', realName: 'Jonas' },
  { id: dana, name: 'dana', realName: 'Dana' },
  { id: guest, name: 'guest', realName: 'Guest', guest: true },
  { id: outsider, name: 'outsider', realName: 'Outsider', team: 'T0ELSEWHERE' },
  { id: left, name: 'left', realName: 'Left' },
];

async function proposed(slack: Partial<SlackOptions> = {}): Promise<Scripted & { ts: string }> {
  const scripted = await playScripted({
    rule: { approve: [dba, guest, outsider, maya] },
    slack: {
      people,
      channels: [
        {
          id: database,
          name: 'database',
          members: [...people.map(({ id }) => id), identity.botUserId],
        },
      ],
      userGroups: [{ id: dba, handle: 'dba', members: [jonas, guest, outsider] }],
      ...slack,
    },
  });
  const { stage } = scripted;
  expect(await ask(stage, maya, 'propose A')).toContain('It waits for approval');
  return { ...scripted, ts: (await card(stage, 'Proposed')).ts };
}

test('a member of the group approves', async () => {
  const { stage, ts, remedy } = await proposed();
  expect(await press(stage, { user: jonas, ts })).toContain('it starts now');
  await card(stage, 'Fixed');
  expect(remedy.runs).toBe(1);
});

test.for([
  ['a guest', guest, 'You are a guest'],
  ['somebody of another workspace', outsider, 'You belong to another workspace'],
  ['a member outside the group', dana, 'You are not an approver of option A'],
] as const)('the press of %s does not count', async ([, user, words]) => {
  const { stage, bot, ts, remedy } = await proposed();
  expect(await press(stage, { user, ts })).toContain(words);
  expect(await bot.approvals.list()).toMatchObject({ value: [{ state: 'proposed', votes: [] }] });
  expect(remedy.runs).toBe(0);
});

test('nor do they let changes run again that somebody stopped', async () => {
  const { stage, bot } = await proposed();
  await ask(stage, dana, 'stop something is wrong');
  expect(await ask(stage, guest, 'go')).toContain('You are a guest');
  expect(await ask(stage, outsider, 'go')).toContain('You belong to another workspace');
  expect(await bot.approvals.stopped()).toMatchObject({ value: { by: `<@${dana}>` } });
  await ask(stage, jonas, 'go');
  expect(await bot.approvals.stopped()).toMatchObject({ value: null });
});

test('without the scope to read groups a press is a no that names the scope, and no more than that breaks', async () => {
  const manifest = readManifest(['chat:write', 'commands', 'users:read']);
  const { stage, ts, remedy } = await proposed({ manifest });
  const answer = await press(stage, { user: jonas, ts });
  expect(answer).toContain('could not be checked, so it counts as no');
  expect(answer).toContain('lacks the scope usergroups:read');
  expect(remedy.runs).toBe(0);
});

test('a group that is empty, and one that is gone, let nobody in and say so', async () => {
  const { stage, ts, remedy } = await proposed({
    userGroups: [{ id: dba, handle: 'dba', members: [] }],
  });
  expect(await press(stage, { user: jonas, ts })).toContain('has no members now');
  const second = await proposed({ userGroups: [] });
  expect(await press(second.stage, { user: jonas, ts: second.ts })).toContain('no such group');
  expect([remedy.runs, second.remedy.runs]).toEqual([0, 0]);
});

test('who was taken out of the group before the press does not count', async () => {
  const members = [jonas, left];
  const { stage, ts } = await proposed({ userGroups: [{ id: dba, handle: 'dba', members }] });
  members.pop();
  expect(await press(stage, { user: left, ts })).toContain('You are not an approver');
  expect(await press(stage, { user: jonas, ts })).toContain('it starts now');
});
