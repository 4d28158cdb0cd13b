import { createServer } from 'node:http';
import type { Server } from 'node:http';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { identity } from '../../sandbox/slack/identity.ts';
import type { SlackOptions } from '../../sandbox/slack/options.ts';
import type { LocalSlack } from '../../sandbox/slack/server.ts';
import type { People } from '../../src/runbook/approvals/people.ts';
import { createClient } from '../../src/slack/connection/client.ts';
import { createPeople, rememberPeople } from '../../src/slack/people.ts';
import { until } from '../support/until.ts';
import { aLog, botToken, openSlack, readManifest } from './support/workspace.ts';

const member = 'U0MEMBER00';
const dba = 'S0DBA00000';

let nowMs = 0;
let lines: string[] = [];
let slack: LocalSlack | undefined;
beforeEach(() => {
  nowMs = Date.parse('2026-11-23T03:00:00Z');
});
afterEach(async () => {
  await slack?.close();
  slack = undefined;
});

function peopleAt(apiUrl: string): People {
  const logged = aLog();
  lines = logged.lines;
  return createPeople(createClient(botToken, { apiUrl, log: logged.log }), logged.log);
}

async function open(changes: Partial<SlackOptions> = {}): Promise<People> {
  slack = await openSlack('socket', {
    people: [
      { id: member, name: 'member', realName: 'Member' },
      { id: 'U0GUEST000', name: 'guest', realName: 'Guest', guest: true },
      { id: 'U0GUEST001', name: 'narrow', realName: 'Guest', guest: 'single-channel' },
      { id: 'U0ROBOT000', name: 'robot', realName: 'Robot', bot: true },
      { id: 'U0GONE0000', name: 'gone', realName: 'Gone', deactivated: true },
      { id: 'U0OTHER000', name: 'other', realName: 'Other', team: 'T0ELSEWHERE' },
    ],
    channels: [],
    ...changes,
  });
  return peopleAt(slack.apiUrl);
}

describe('what a person is', () => {
  test.for([
    [member, 'member'],
    ['U0GUEST000', 'guest'],
    ['U0GUEST001', 'guest'],
    ['U0ROBOT000', 'bot'],
    [identity.botUserId, 'bot'],
    ['U0GONE0000', 'deactivated'],
    ['U0OTHER000', 'stranger'],
  ] as const)('%s is a %s', async ([user, standing]) => {
    const people = await open();
    expect(await people.readPerson(user)).toEqual({ ok: true, value: { id: user, standing } });
  });

  test('somebody Slack does not know is no answer', async () => {
    const people = await open();
    expect(await people.readPerson('U0NOBODY00')).toMatchObject({
      ok: false,
      why: 'Slack knows no such person in this workspace.',
    });
  });

  test('without the scope it is no answer, and the scope is named', async () => {
    const manifest = readManifest(['chat:write', 'usergroups:read']);
    const people = await open({ manifest });
    expect(await people.readPerson(member)).toEqual({
      ok: false,
      why: 'the bot lacks the scope users:read.',
      fix: 'Add users:read under "OAuth & Permissions" and reinstall the app.',
    });
    expect(lines.join('')).toContain('missing_scope');
    expect(lines.join('')).not.toContain(botToken);
  });
});

describe('a user group', () => {
  const members = [member, 'U0GUEST000'];
  const groups = { userGroups: [{ id: dba, handle: 'dba', members }] };

  test('is its members of this moment, and for what is only shown those of half a minute ago', async () => {
    const changing = [...members];
    const people = await open({ userGroups: [{ id: dba, handle: 'dba', members: changing }] });
    const shown = rememberPeople(people, { now: () => nowMs });
    expect(await shown.readGroup(dba)).toEqual({ ok: true, value: members });
    changing.pop();
    expect(await people.readGroup(dba)).toEqual({ ok: true, value: [member] });
    expect(await shown.readGroup(dba)).toEqual({ ok: true, value: members });
    // A clock that was set back an hour keeps nothing for an hour.
    nowMs -= 3_600_000;
    expect(await shown.readGroup(dba)).toEqual({ ok: true, value: [member] });
    changing.pop();
    nowMs += 30_000;
    expect(await shown.readGroup(dba)).toEqual({ ok: true, value: [] });
  });

  test('is asked for once by many at the same time', async () => {
    const people = await open({ ...groups, rateLimits: true });
    const answers = await Promise.all(Array.from({ length: 200 }, () => people.readGroup(dba)));
    expect(new Set(answers)).toEqual(new Set([{ ok: true, value: members }]));
  });

  test('that is empty is empty', async () => {
    const people = await open({ userGroups: [{ id: dba, handle: 'dba', members: [] }] });
    expect(await people.readGroup(dba)).toEqual({ ok: true, value: [] });
  });

  test.for([
    ['deleted', []],
    ['disabled', [{ id: dba, handle: 'dba', members, disabled: true }]],
  ] as const)('that is %s is no answer', async ([, userGroups]) => {
    const people = await open({ userGroups });
    expect(await people.readGroup(dba)).toMatchObject({
      ok: false,
      why: 'Slack has no such group, or it is disabled.',
    });
  });

  test('without the scope is no answer, and people are told apart all the same', async () => {
    const people = await open({ ...groups, manifest: readManifest(['users:read']) });
    expect(await people.readGroup(dba)).toMatchObject({
      ok: false,
      why: 'the bot lacks the scope usergroups:read.',
    });
    expect(await people.readPerson(member)).toMatchObject({
      ok: true,
      value: { standing: 'member' },
    });
  });

  test('beyond what Slack answers in a minute is no answer, with the time to wait', async () => {
    const userGroups = Array.from({ length: 120 }, (_, n) => ({
      id: `S0GROUP${n}`,
      handle: `group-${n}`,
      members,
    }));
    const people = await open({ userGroups, rateLimits: true });
    const answers = await Promise.all(userGroups.map(({ id }) => people.readGroup(id)));
    const fixes = answers.flatMap((answer) => (answer.ok ? [] : [answer.fix]));
    expect(fixes.length).toBeGreaterThan(0);
    expect(fixes[0]).toMatch(/^Try again in \d+ s\.$/);
  });
});

describe('a Slack that is not itself', () => {
  let server: Server | undefined;
  /** By method; a promise is waited for. */
  let answers: Record<string, unknown> = {};
  let asked = 0;
  afterEach(async () => {
    const closing = server;
    server = undefined;
    if (closing === undefined) return;
    closing.closeAllConnections();
    await new Promise((resolve) => closing.close(resolve));
  });

  async function openOdd(user: unknown): Promise<People> {
    answers = {
      'auth.test': { ok: true, team_id: 'T1' },
      'users.info': { ok: true, user },
    };
    server = createServer((request, response) => {
      asked += 1;
      void Promise.resolve(answers[(request.url ?? '').replace('/api/', '')]).then((answer) => {
        response.writeHead(answer === undefined ? 500 : 200, {
          'content-type': 'application/json',
        });
        response.end(JSON.stringify(answer ?? {}));
      });
    });
    await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('No port.');
    return peopleAt(`http://127.0.0.1:${address.port}/api/`);
  }

  const full = { id: member, team_id: 'T1', is_restricted: false, is_ultra_restricted: false };

  test.for([
    ['nothing about guests', { id: member, team_id: 'T1' }],
    ['nothing at all', undefined],
  ])('that says %s makes nobody a member', async ([, user]) => {
    const people = await openOdd(user);
    expect(await people.readPerson(member)).toMatchObject({ ok: false });
  });

  test('that says no workspace makes nobody a member', async () => {
    const people = await openOdd({ ...full, team_id: undefined });
    expect(await people.readPerson(member)).toMatchObject({
      ok: true,
      value: { standing: 'stranger' },
    });
  });

  test('of an Enterprise Grid knows its people in several workspaces', async () => {
    const people = await openOdd({ ...full, team_id: 'T2', enterprise_user: { teams: ['T1'] } });
    expect(await people.readPerson(member)).toMatchObject({
      ok: true,
      value: { standing: 'member' },
    });
    // Migrated into the organisation, a person keeps an id of the workspace and has one of the whole.
    const global = { ...full, enterprise_user: { id: 'W0GLOBAL00', teams: ['T1'] } };
    answers['users.info'] = { ok: true, user: global };
    expect(await people.readPerson(member)).toEqual({
      ok: true,
      value: { id: 'W0GLOBAL00', standing: 'member' },
    });
    const strange = { ...full, is_stranger: true };
    answers['users.info'] = { ok: true, user: strange };
    expect(await people.readPerson('U2')).toMatchObject({
      ok: true,
      value: { standing: 'stranger' },
    });
  });

  test('that is still answering an older question is asked once more', async () => {
    const people = await openOdd(full);
    const older = Promise.withResolvers<unknown>();
    answers['usergroups.users.list'] = older.promise;
    const before = asked;
    const first = people.readGroup(dba);
    await until('the first is asked', () => Promise.resolve(asked === before + 1));
    answers['usergroups.users.list'] = { ok: true, users: [member] };
    const others = [people.readGroup(dba), people.readGroup(dba)];
    older.resolve({ ok: true, users: [member, 'U0GONE0000'] });
    expect(await first).toMatchObject({ value: [member, 'U0GONE0000'] });
    for (const other of others) expect(await other).toMatchObject({ value: [member] });
    expect(asked).toBe(before + 2);
  });

  test('that fails is asked again, because a failure is not kept', async () => {
    const people = await openOdd(full);
    const { 'auth.test': known } = answers;
    delete answers['auth.test'];
    expect(await people.readPerson(member)).toMatchObject({
      ok: false,
      why: 'Slack did not answer.',
    });
    answers['auth.test'] = known;
    expect(await people.readPerson(member)).toMatchObject({
      ok: true,
      value: { standing: 'member' },
    });
  });

  test('that is away is no answer', async () => {
    const people = peopleAt('http://127.0.0.1:9/api/');
    expect(await people.readPerson(member)).toMatchObject({ ok: false });
    expect(await people.readGroup(dba)).toMatchObject({ ok: false, why: 'Slack did not answer.' });
  });
});
