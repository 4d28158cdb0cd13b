import { assert, asyncProperty, constant, constantFrom, oneof } from 'fast-check';
import type { Arbitrary } from 'fast-check';
import { expect } from 'vitest';
import { identity } from '../../sandbox/slack/identity.ts';
import {
  blockIds,
  blockOf,
  callbackIds,
  checklistAction,
  incidentActions,
  incidentChoices,
  proposeActions,
} from '../../src/slack/messages/kit/action-ids.ts';
import {
  dana,
  database,
  foreigner,
  guest,
  jonas,
  maya,
  stranger,
} from '../drills/support/conversation.ts';
import { openFront, words } from './front.ts';
import type { Front, Sent } from './front.ts';
import { mangledJson } from './mangle.ts';
import { canary } from './text-entrances.ts';

/** Who presses, types and opens: two who may decide, one who may propose, and three who may do neither. */
const people = [guest, foreigner, stranger, maya, jonas, dana];
const longestMs = 15_000;

/** Anybody may stop, open an incident and call for help: too often costs minutes, never a database. */
const forAll = /^(?:stopped|incident-(?:opened|escalating))$/;
/** What dbconn does by itself, once somebody else than the proposer has said so. */
const byItself = /^(?:executing|verifying|done|handed|looked|step-\w+)$/;

/**
 * Whatever Slack's signed calls hold, nothing breaks or hangs, no secret is said, and the journal changes by what the
 * person who is named in them may ask for, and by nothing else.
 */
export async function holdInteractions(numRuns: number): Promise<void> {
  const front = await openFront();
  try {
    const call = oneof(
      { weight: 5, arbitrary: presses },
      { weight: 3, arbitrary: submissions },
      { weight: 2, arbitrary: others },
    );
    await assert(
      asyncProperty(call, (sent) => hold(front, sent)),
      { numRuns },
    );
    await front.expectNoSecret();
    expect(await front.bot.journal.verify()).toMatchObject({ ok: true });
  } finally {
    await front.close();
  }
}

async function hold(front: Front, call: Sent): Promise<void> {
  await front.makeReady();
  const { status, tookMs, entries, logged } = await front.call(call);
  // Bolt waits three seconds for whoever answers, and then says 404.
  expect(tookMs).toBeLessThan(longestMs);
  expect([200, 400, 401, 404, 413]).toContain(status);
  expect(logged).not.toContain(canary);
  expect(logged).not.toContain('A listener failed');
  const isOver = entries.some(({ kind }) => kind === 'incident-resolved');
  for (const { kind, by } of entries) {
    // What waited for votes when its incident ended is withdrawn by dbconn itself.
    if (isOver && kind === 'withdrawn' && by === undefined) continue;
    expectAsked(call.user, kind, by);
  }
  const decided = entries.some(({ kind }) => kind === 'vote' || kind === 'ran-by-hand');
  if (!decided) expect(entries.filter(({ kind }) => byItself.test(kind))).toEqual([]);
}

/** What somebody of that kind may have asked for, in their own name. All proposals are Maya's. */
function expectAsked(user: string, kind: string, by: string | undefined): void {
  if (by !== undefined) expect({ kind, by }).toEqual({ kind, by: user });
  if (user === guest || user === foreigner) expect(kind).toMatch(forAll);
  if (user === stranger && !kind.startsWith('incident-')) expect(kind).toMatch(forAll);
  if (user === maya) expect(kind).not.toBe('vote');
}
/** As it is, or mangled. */
function perhapsMangled(value: unknown): Arbitrary<unknown> {
  return oneof(
    { weight: 1, arbitrary: constant(value) },
    { weight: 2, arbitrary: mangledJson(value) },
  );
}

function around(user: string): Record<string, unknown> {
  return {
    team: { id: user === foreigner ? 'T0OTHER000' : identity.teamId, domain: 'shop' },
    user: { id: user, team_id: user === foreigner ? 'T0OTHER000' : identity.teamId, name: 'x' },
    api_app_id: 'A0APP00000',
    token: canary,
    trigger_id: `1.1.${canary}`,
  };
}

const presses: Arbitrary<Sent> = pressesOf();
const submissions: Arbitrary<Sent> = submissionsOf();
const others: Arbitrary<Sent> = othersOf();

function pressesOf(): Arbitrary<Sent> {
  const ids = [...blockOf.keys(), 'dbconn_gone'];
  const press = oneof(constantFrom(...ids), constantFrom(...ids)).chain((actionId) =>
    constantFrom(...valuesOf(actionId)).map((value) => ({ actionId, value })),
  );
  return constantFrom(...people).chain((user) =>
    press
      .chain(({ actionId, value }) => {
        const block = blockOf.get(actionId) ?? blockIds.status;
        const ts = value === words.handed ? words.handedTs : (tsOf.get(block) ?? words.proposedTs);
        const action = {
          action_id: actionId,
          block_id: block,
          action_ts: '1.1',
          ...shape(actionId, value),
        };
        return perhapsMangled({
          type: 'block_actions',
          ...around(user),
          channel: { id: database, name: 'database' },
          container: { type: 'message', message_ts: ts, channel_id: database },
          message: { ts, text: `password=${canary}` },
          response_url: `http://127.0.0.1:9/${canary}`,
          actions: [action],
        });
      })
      .map((payload) => ({ user, kind: 'interaction', fields: payload })),
  );
}

const tsOf = new Map<string, string>([
  [blockIds.incident, words.incidentTs],
  [blockIds.checklist, words.incidentTs],
]);

function shape(actionId: string, value: string): object {
  if (actionId === incidentActions.menu)
    return {
      type: 'overflow',
      selected_option: { value, text: { type: 'plain_text', text: 'x' } },
    };
  if (actionId === checklistAction)
    return {
      type: 'checkboxes',
      selected_options: [{ value, text: { type: 'plain_text', text: 'x' } }],
    };
  return { type: 'button', value, text: { type: 'plain_text', text: 'x' } };
}

/** What a button of that kind was sent with, and what one of another kind was. */
function valuesOf(actionId: string): [string, ...string[]] {
  const { proposed, handed, incident } = words;
  const odd = ['-', '../../etc', `${proposed} `, canary];
  switch (blockOf.get(actionId)) {
    case blockIds.incident:
      return [
        incident,
        ...incidentChoices.map((choice) => `${choice} ${incident}`),
        proposed,
        ...odd,
      ];
    case blockIds.checklist:
      return [`${incident}:code-leaks`, `${incident}:x`, incident, ...odd];
    case blockIds.status:
      return proposeActions.some((id) => id === actionId)
        ? ['A shop', 'A x', ...odd]
        : ['shop', ...odd];
    default:
      return [proposed, proposed, handed, handed, incident, ...odd];
  }
}

function submissionsOf(): Arbitrary<Sent> {
  const reason = { type: 'plain_text_input', value: `because password=${canary}` };
  const values = {
    reason: { reason },
    over: { over: { type: 'plain_text_input', value: '5s' } },
    application: { application: { type: 'static_select', selected_option: { value: 'backend' } } },
    for: { for: { type: 'plain_text_input', value: '2h' } },
    into: { into: { type: 'static_select', selected_option: { value: words.incident } } },
    who: { who: { type: 'static_select', selected_option: { value: 'on-call' } } },
  };
  // Each dialog has its own two or three fields; Slack sends no others, and dbconn forbids what it does not know.
  const memories = constantFrom(
    { request: words.proposed },
    { request: words.handed },
    { incident: words.incident },
    { target: 'shop' },
  ).chain((about) => perhapsMangled({ channel: database, ...about }));
  return constantFrom(...people).chain((user) =>
    constantFrom(...Object.values(callbackIds), 'dbconn_gone')
      .chain((callback) =>
        memories.chain((kept) =>
          perhapsMangled({
            type: 'view_submission',
            ...around(user),
            view: {
              id: 'V1',
              type: 'modal',
              callback_id: callback,
              private_metadata: JSON.stringify(kept),
              hash: canary,
              state: { values },
              blocks: [],
            },
            response_urls: [],
          }),
        ),
      )
      .map((payload) => ({ user, kind: 'interaction', fields: payload })),
  );
}

/** Shortcuts, closed dialogs, events, the Home tab, and words after the command. */
function othersOf(): Arbitrary<Sent> {
  return constantFrom(...people).chain((user) => {
    const base = around(user);
    const payloads = [
      { type: 'shortcut', callback_id: 'dbconn_status', action_ts: '1.1', ...base },
      {
        type: 'message_action',
        callback_id: 'dbconn',
        message: { ts: '1.1' },
        channel: { id: database },
        ...base,
      },
      {
        type: 'view_closed',
        view: { id: 'V1', callback_id: callbackIds.deny, private_metadata: '{}' },
        ...base,
      },
      {
        type: 'block_suggestion',
        action_id: 'x',
        block_id: 'y',
        value: canary,
        view: { id: 'V1' },
        ...base,
      },
    ];
    const events = [
      'app_home_opened',
      'message',
      'app_mention',
      'member_joined_channel',
      'app_uninstalled',
    ].map((type) => ({
      type: 'event_callback',
      event: {
        type,
        user,
        tab: 'home',
        channel: database,
        text: `password=${canary}`,
        event_ts: '1.1',
      },
      event_id: 'Ev1',
      authorizations: [{ team_id: identity.teamId, user_id: identity.botUserId, is_bot: true }],
      team_id: identity.teamId,
      api_app_id: 'A0APP00000',
      token: canary,
    }));
    const url = [
      { type: 'url_verification', challenge: 'x', token: canary },
      { type: 'app_rate_limited' },
    ];
    const texts = [
      'status',
      'requests',
      'help',
      'doctor',
      `deny x password=${canary}`,
      'incident list',
      '',
    ];
    const commands = texts.map((text) => ({
      command: '/dbconn',
      text,
      user_id: user,
      team_id: identity.teamId,
      channel_id: database,
      trigger_id: `1.1.${canary}`,
      response_url: `http://127.0.0.1:9/${canary}`,
      token: canary,
    }));
    return oneof(
      constantFrom(...payloads)
        .chain(perhapsMangled)
        .map((payload): Sent => ({ user, kind: 'interaction', fields: payload })),
      constantFrom(...events, ...url)
        .chain(perhapsMangled)
        .map((fields): Sent => ({ user, kind: 'event', fields })),
      constantFrom(...commands)
        .chain(perhapsMangled)
        .map((command): Sent => ({ user, kind: 'command', fields: command })),
    );
  });
}
