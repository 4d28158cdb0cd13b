import { expect, test } from 'vitest';
import type { RemedyRequest } from '../../src/runbook/remedies/remedy-request.ts';
import { done } from '../../src/runbook/remedies/remedy.ts';
import type { ApprovalRequest } from '../../src/runbook/approvals/request.ts';
import { actionIds, blockIds } from '../../src/slack/messages/kit/action-ids.ts';
import { buildPlan } from '../runbook/approvals/builders.ts';
import { playScripted, postButton } from './support/scripted.ts';
import type { Scripted, ScriptedOptions } from './support/scripted.ts';
import {
  ask,
  card,
  dana,
  guest,
  jonas,
  maya,
  open,
  press,
  submit,
  threadWith,
} from './support/conversation.ts';
import { toText } from '../../sandbox/message-text.ts';
import { patienceMs } from '../support/until.ts';
import { named } from '../support/people.ts';

/** With a proposal of Maya's in the channel, by a remedy that plans what it is asked for. */
async function proposed(changes: ScriptedOptions = {}): Promise<Scripted & { ts: string }> {
  const scripted = await playScripted(changes);
  const { stage, remedy } = scripted;
  remedy.propose = (asked?: RemedyRequest) => {
    const plan = buildPlan(asked === undefined ? {} : { ask: asked });
    const { policyVersion: _version, plannedAt: _at, ...draft } = plan;
    return Promise.resolve(done(draft));
  };
  await ask(stage, maya, 'propose A');
  return { ...scripted, ts: (await card(stage, 'Proposed')).ts };
}

async function openRequests({ bot }: Scripted): Promise<readonly ApprovalRequest[]> {
  const listed = await bot.approvals.list();
  return listed.ok ? listed.value : [];
}

test('an option that asks for a reason asks for it before the vote, and the card tells it', async () => {
  const { stage, remedy, ts } = await proposed({ rule: { reasonRequired: true } });
  const view = await open(stage, { user: jonas, ts });
  await expect(submit(stage, { user: jonas, view })).rejects.toThrow('not complete');
  expect(remedy.runs).toBe(0);
  const values = { reason: { reason: 'The pool leaks <!channel> again' } };
  expect(await submit(stage, { user: jonas, view, values })).toContain('it starts now');
  const ended = await card(stage, 'Fixed');
  expect(toText(ended)).toContain('The pool leaks <!channel> again');
  expect(ended.text).not.toContain('channel');
  expect(remedy.runs).toBe(1);
});

test.for([actionIds.approve, actionIds.deny, actionIds.change])(
  'closing the dialog of %s decides nothing',
  async (actionId) => {
    const world = await proposed({ rule: { reasonRequired: true } });
    const { stage, remedy, ts } = world;
    const before = await openRequests(world);
    const view = await open(stage, { user: jonas, ts, actionId });
    expect(await stage.slack.closeView({ user: jonas, viewId: view.id })).toEqual({ acked: true });
    // Whatever a closed dialog set off would be done before this is answered.
    expect(await ask(stage, maya, 'requests')).toContain('1 open request');
    expect(await openRequests(world)).toEqual(before);
    expect(remedy.runs).toBe(0);
  },
);

test('who may not approve is told so at once, not after writing a reason', async () => {
  const { stage, ts, remedy } = await proposed({ rule: { reasonRequired: true } });
  expect(await press(stage, { user: maya, ts })).toContain('You proposed this');
  expect(await press(stage, { user: guest, ts })).toContain('You are not an approver');
  expect(remedy.runs).toBe(0);
});

test('a no can say why, and the card and the thread tell it', async () => {
  const { stage, ts } = await proposed();
  const view = await open(stage, { user: dana, ts, actionId: actionIds.deny });
  const values = { reason: { reason: 'a migration runs' } };
  expect(await submit(stage, { user: dana, view, values })).toContain('You denied it');
  const denied = await card(stage, 'Denied');
  expect(toText(denied)).toContain('a migration runs');
  await threadWith(stage, denied, `Denied by ${named(dana)}.`);
});

test('who proposed it withdraws it with the same button', async () => {
  const { stage, ts } = await proposed({ rule: { approve: [jonas, dana] } });
  const view = await open(stage, { user: maya, ts, actionId: actionIds.deny });
  expect(toText(view)).toContain('option A for shop');
  expect(await submit(stage, { user: maya, view })).toContain('You withdrew it');
  await card(stage, 'Withdrawn');
});

test('the thresholds are chosen in a dialog that starts with those asked for', async () => {
  const world = await proposed();
  const { stage, ts } = world;
  const view = await open(stage, { user: maya, ts, actionId: actionIds.change });
  expect(JSON.stringify(view.blocks)).toContain('"initial_value":"10m"');
  const answer = (values: Record<string, string>): Promise<string> =>
    submit(stage, {
      user: maya,
      view,
      values: Object.fromEntries(Object.entries(values).map(([id, text]) => [id, { [id]: text }])),
    });
  expect(await answer({ over: 'soon' })).toContain('A duration');
  expect(await answer({ over: '5m', kind: 'idle' })).toContain('Enter an application');
  expect(await openRequests(world)).toHaveLength(1);
  expect(await answer({ over: '5m', kind: 'idle', application: 'my app' })).toContain('Proposed');
  await card(stage, 'Withdrawn');
  const expected = { kind: 'idle', application: 'my app', idleForMs: 300_000 };
  expect(await openRequests(world)).toMatchObject([{ state: 'proposed', ask: expected }]);
});

test('somebody else’s proposal stays when another is made from it', async () => {
  const world = await proposed();
  const { stage, ts } = world;
  const view = await open(stage, { user: dana, ts, actionId: actionIds.change });
  expect(await submit(stage, { user: dana, view })).toContain('Proposed');
  const [first, second] = await openRequests(world);
  expect(first).toMatchObject({ state: 'proposed', proposedBy: { id: maya } });
  expect(second).toMatchObject({ supersedes: first?.id, proposedBy: { id: dana } });
});

test('a status message opens the same dialog with the target’s own threshold', async () => {
  const world = await proposed();
  const { stage } = world;
  const button = { actionId: actionIds.choose, value: 'shop', blockId: blockIds.status };
  const { ts } = await postButton(stage, button);
  const view = await open(stage, { user: dana, ts, actionId: actionIds.choose });
  const values = { over: { over: '90s' }, application: { application: 'backend' } };
  expect(await submit(stage, { user: dana, view, values })).toContain('Proposed');
  const [, second] = await openRequests(world);
  expect(second?.ask).toEqual({
    kind: 'idle-in-transaction',
    application: 'backend',
    idleForMs: 90_000,
  });
});

test('an answer whose dialog was closed reaches the person in the channel', async () => {
  const world = await proposed();
  const { stage, remedy, ts } = world;
  const goOn = Promise.withResolvers<void>();
  const plan = remedy.propose.bind(remedy);
  remedy.propose = async () => {
    await goOn.promise;
    return plan();
  };
  const view = await open(stage, { user: dana, ts, actionId: actionIds.change });
  await stage.slack.submitView({ user: dana, viewId: view.id });
  await stage.slack.closeView({ user: dana, viewId: view.id });
  goOn.resolve();
  const said = await stage.slack.waitFor(({ ephemerals }) => {
    return ephemerals.find(({ user }) => user === dana)?.message;
  }, patienceMs);
  expect(toText(said)).toContain('Proposed: End 2 sessions');
});

test('a preview shows the whole plan to one person and records nothing', async () => {
  const scripted = await playScripted();
  const { stage } = scripted;
  const shown = await ask(stage, maya, 'preview A');
  for (const words of ['Preview, option A for shop', '101', 'SELECT ?', 'Nothing is recorded']) {
    expect(shown).toContain(words);
  }
  expect(await openRequests(scripted)).toEqual([]);
});

test('a press that is too late for its dialog is answered at once', async () => {
  const { stage, clock, ts } = await proposed({ rule: { reasonRequired: true } });
  const view = await open(stage, { user: jonas, ts });
  clock.pass(15 * 60_000);
  const values = { reason: { reason: 'why not' } };
  expect(await submit(stage, { user: jonas, view, values })).toContain('This has expired');
  expect(await press(stage, { user: jonas, ts, actionId: actionIds.change }).catch(String)).toMatch(
    /no dbconn_change to press|no longer waits for approval/,
  );
});
