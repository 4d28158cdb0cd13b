import { expect, test } from 'vitest';
import { actionIds } from '../../src/slack/messages/kit/action-ids.ts';
import { buildPlan, buildSession } from '../runbook/approvals/builders.ts';
import type { ScriptedRemedy } from '../runbook/approvals/world.ts';
import { done } from '../../src/runbook/remedies/remedy.ts';
import { aTarget } from '../slack/support/diagnoses.ts';
import { aMonitor } from '../slack/support/workspace.ts';
import {
  ask,
  card,
  dana,
  database,
  guest,
  hasButtons,
  jonas,
  maya,
  messagesOf,
  open as openDialog,
  press,
  submit,
  threadWith,
} from './support/conversation.ts';
import type { Bot } from './support/conversation.ts';
import { playScripted } from './support/scripted.ts';
import type { Scripted, ScriptedOptions } from './support/scripted.ts';
import { toText } from '../../sandbox/message-text.ts';
import { identity } from '../../sandbox/slack/identity.ts';
import { patienceMs } from '../support/until.ts';
import { named } from '../support/people.ts';

/** Presses in a real Slack conversation, over a remedy whose patient is two numbers. */
function open(changes: ScriptedOptions = {}): Promise<Scripted> {
  const contacts = { databaseAdmins: dana, backendLead: jonas };
  const monitor = aMonitor({ targets: [aTarget({ name: 'shop', contacts })] });
  return playScripted({ monitor, ...changes });
}

interface Proposed extends Scripted {
  readonly ts: string;
  readonly id: string;
}

async function proposed(
  changes: ScriptedOptions = {},
  prepare: (remedy: ScriptedRemedy) => void = () => undefined,
): Promise<Proposed> {
  const scripted = await open(changes);
  const { stage, bot, remedy } = scripted;
  prepare(remedy);
  expect(await ask(stage, maya, 'propose A')).toContain('It waits for approval');
  const { ts } = await card(stage, 'Proposed');
  return { ...scripted, ts, id: await idOf(bot) };
}

async function idOf({ approvals }: Bot): Promise<string> {
  const open = await approvals.list();
  return (open.ok ? open.value[0]?.id : undefined) ?? 'none';
}

test('a proposal shows who asked, each target, and buttons that carry an opaque id alone', async () => {
  const { stage, id } = await proposed();
  const shown = await card(stage, 'Proposed');
  const text = toText(shown);
  expect(text).toContain(`Proposed by ${named(maya)}`);
  for (const words of ['backend', 'idle in transaction', 'SELECT ?', '30 min']) {
    expect(text).toContain(words);
  }
  const block = shown.blocks?.find(({ type }) => type === 'actions');
  expect(block?.['elements']).toMatchObject([
    {
      action_id: actionIds.approve,
      value: id,
      confirm: { title: { text: 'End 2 idle transactions?' } },
    },
    { action_id: actionIds.deny, value: id },
    { action_id: actionIds.change, value: id },
  ]);
  expect(id).toMatch(/^[0-9a-f]{12}$/);
});

test('an approval runs it, and the same message and its thread tell the course and the outcome', async () => {
  const { stage, ts, remedy } = await proposed();
  expect(await press(stage, { user: jonas, ts })).toContain('it starts now');
  const ended = await card(stage, 'Fixed');
  expect(ended.ts).toBe(ts);
  expect(hasButtons(ended)).toBe(false);
  expect(toText(ended)).toContain(`Approved by ${named(jonas)}`);
  expect(toText(ended)).toContain('95 of 97 used before, 35 right after');
  const thread = await threadWith(stage, ended, 'journal entry');
  expect(toText(ended)).toContain('2 ended.');
  expect(thread).toMatch(/101, 102[^]*Fixed\.[^]*✓ End 2 sessions/);
  // Who exactly, and the end: all else is on the card.
  expect(messagesOf(stage).filter((one) => one.thread_ts === ts)).toHaveLength(2);
  expect(remedy.runs).toBe(1);
});

test('who proposed it may not approve it, and is told who may', async () => {
  const { stage, ts, remedy } = await proposed();
  const answer = await press(stage, { user: maya, ts });
  expect(answer).toContain('You proposed this, so somebody else has to approve it.');
  expect(answer).toContain(`@${jonas}`);
  expect(remedy.runs).toBe(0);
});

test('a no ends it at once, and the buttons go', async () => {
  const { stage, ts, remedy } = await proposed();
  const view = await openDialog(stage, { user: dana, ts, actionId: actionIds.deny });
  expect(await submit(stage, { user: dana, view })).toContain('You denied it');
  const denied = await card(stage, 'Denied');
  expect(hasButtons(denied)).toBe(false);
  expect(toText(denied)).toContain(`Denied by ${named(dana)}`);
  await threadWith(stage, denied, `Denied by ${named(dana)}.`);
  expect(remedy.runs).toBe(0);
});

test('what nobody approves in time expires, and its buttons go', async () => {
  const { stage, bot, clock } = await proposed();
  clock.pass(15 * 60_000);
  expect(await bot.approvals.sweep()).toMatchObject({ ok: true, value: [{ state: 'expired' }] });
  expect(toText(await card(stage, 'Expired'))).not.toContain('Approve');
});

test('a press after the time is over and before the sweep is answered, and puts the card right', async () => {
  const { stage, ts, remedy, clock } = await proposed();
  clock.pass(15 * 60_000);
  expect(await press(stage, { user: jonas, ts })).toContain('This has expired');
  expect(toText(await card(stage, 'Expired'))).not.toContain('Approve');
  expect(remedy.runs).toBe(0);
});

test('two approvers at the same moment start it once', async () => {
  const { stage, ts, remedy } = await proposed();
  const answers = await Promise.all([jonas, dana].map((user) => press(stage, { user, ts })));
  expect(answers.filter((answer) => answer.includes('it starts now'))).toHaveLength(1);
  expect(
    answers.filter((answer) => /already approved|already done|already ran/.test(answer)),
  ).toHaveLength(1);
  await card(stage, 'Fixed');
  expect(remedy.runs).toBe(1);
});

test('with two votes needed the first is counted once, and the card says who is missing', async () => {
  const { stage, ts, remedy } = await proposed({ rule: { votes: 2 } });
  expect(await press(stage, { user: jonas, ts })).toContain('1 of 2');
  expect(await press(stage, { user: jonas, ts })).toContain('You already approved it');
  const shown = await stage.slack.waitFor(() => {
    const found = messagesOf(stage).find((one) => one.ts === ts);
    return found !== undefined && toText(found).includes('approved by') ? found : undefined;
  }, patienceMs);
  expect(toText(shown)).toContain('Needs 1 more approval');
  expect(hasButtons(shown)).toBe(true);
  expect(remedy.runs).toBe(0);
  await press(stage, { user: dana, ts });
  await card(stage, 'Fixed');
});

test('a press after a restart of the bot counts as if nothing had happened', async () => {
  const { stage, bot, ts } = await proposed();
  await bot.stop();
  await stage.start();
  expect(await press(stage, { user: jonas, ts })).toContain('it starts now');
  expect((await card(stage, 'Fixed')).ts).toBe(ts);
  expect(messagesOf(stage).filter((one) => one.thread_ts === undefined)).toHaveLength(1);
});

test('a press on a card that was decided while the bot was away is answered, and puts the card right', async () => {
  const { stage, bot, ts, id, remedy } = await proposed();
  await bot.slack.stop();
  await bot.cards.drain(0);
  const elsewhere = await bot.journal.read(id);
  if (elsewhere === undefined) throw new Error('it was recorded');
  await bot.journal.move(
    elsewhere.version,
    { ...elsewhere, version: elsewhere.version + 1, state: 'withdrawn' },
    { request: id, kind: 'withdrawn', body: {} },
  );
  await bot.stop();
  await stage.start();
  expect(await press(stage, { user: jonas, ts })).toContain('This was withdrawn');
  expect(hasButtons(await card(stage, 'Withdrawn'))).toBe(false);
  expect(remedy.runs).toBe(0);
});

test('a proposal that another process recorded is posted, and its end there is shown', async () => {
  const { stage, bot } = await open();
  const other = await stage.start();
  await other.slack.stop();
  const ask = { kind: 'idle-in-transaction', idleForMs: 1000 } as const;
  const actor = { id: 'root', via: 'terminal' } as const;
  const recorded = await other.approvals.propose({ target: 'shop', ask, actor });
  if (!recorded.ok) throw new Error(recorded.refusal.why);
  await card(stage, 'Proposed');
  await bot.cards.catchUp(bot.approvals);
  await other.approvals.deny(recorded.value.id, actor);
  await bot.cards.catchUp(bot.approvals);
  const denied = await card(stage, 'Denied');
  expect(toText(denied)).toContain('Denied by somebody at the terminal');
});

test('while changes are stopped no vote counts; anybody may stop, an approver lets them go on', async () => {
  const { stage, ts } = await proposed();
  expect(await ask(stage, guest, 'stop <!channel> it hurts')).toContain('All changes are stopped');
  const told = await card(stage, 'All changes are stopped');
  expect(toText(told)).toContain('<!channel> it hurts');
  expect(told.text).not.toContain('it hurts');
  expect(await press(stage, { user: jonas, ts })).toContain('All changes are stopped');
  expect(await ask(stage, guest, 'go')).toContain('Only an approver');
  expect(await ask(stage, dana, 'go')).toContain('resumed changes');
  expect(await press(stage, { user: jonas, ts })).toContain('it starts now');
  await card(stage, 'Fixed');
});

test('a stop reaches a run that has begun, at its next step', async () => {
  const reached = Promise.withResolvers<void>();
  const goOn = Promise.withResolvers<void>();
  let sawStop = false;
  const { stage, ts } = await proposed({}, (remedy) => {
    remedy.during = async (control) => {
      reached.resolve();
      await goOn.promise;
      sawStop = await control.isStopped();
    };
  });
  await press(stage, { user: jonas, ts });
  await reached.promise;
  await card(stage, 'Running');
  await ask(stage, guest, 'stop');
  goOn.resolve();
  await card(stage, 'Fixed');
  expect(sawStop).toBe(true);
});

test('a call for help reaches the channel with a mention, and a person directly', async () => {
  const { stage } = await open();
  expect(await ask(stage, maya, 'escalate it fills <@U0EVIL0000> again')).toContain(
    'were notified',
  );
  const called = await card(stage, `<@${maya}> asks for help with shop.`);
  expect(toText(called)).toContain(`@${dana} @${maya} asks for help with shop. 94 of 97`);
  expect(toText(called)).toContain('it fills <@U0EVIL0000> again');
  expect(called.text).not.toContain('EVIL');
  expect(await ask(stage, maya, 'escalate backend-lead look at billing')).toContain(
    'direct message',
  );
  const direct = await stage.slack.waitFor(
    ({ channels }) => channels.find(({ kind }) => kind === 'im')?.messages.at(-1),
    patienceMs,
  );
  expect(toText(direct)).toContain('look at billing');
  expect(await ask(stage, maya, 'escalate on-call now')).toContain('contacts.onCall or pager');
  expect(await ask(stage, maya, 'escalate')).toContain('needs a reason');
});

test('Slack’s limits delay the card of a run, and its thread hears of the end once', async () => {
  const steps = Array.from({ length: 80 }, (_, index) => `step ${String(index).padStart(2, '0')}.`);
  const { stage, ts } = await proposed(
    { slack: { rateLimits: true }, sendIntervalMs: 0 },
    (remedy) => {
      remedy.during = async (control) => {
        for (const sentence of steps) {
          await control.record({ step: 0, sentence });
          // Slack's client needs a turn between two steps to send anything at all.
          await new Promise((resolve) => setTimeout(resolve, 10));
        }
      };
    },
  );
  await press(stage, { user: jonas, ts });
  const thread = await threadWith(stage, await card(stage, 'Fixed'), 'journal entry');
  expect(thread.match(/journal entry/g)).toHaveLength(1);
  expect(stage.lines.join('')).toContain('does not take a message yet');
});

test('many sessions alike are one row on the card, and each of them stands in its thread', async () => {
  const pids = Array.from({ length: 120 }, (_, index) => 2000 + index);
  const { stage } = await proposed({}, (remedy) => {
    remedy.propose = () => {
      const targets = pids.map((pid) => buildSession(pid));
      const { policyVersion: _version, plannedAt: _at, ...draft } = buildPlan({ targets });
      return Promise.resolve(done(draft));
    };
  });
  const shown = await card(stage, 'Proposed');
  expect(toText(shown)).toMatch(/120[^]*backend/);
  expect(toText(shown)).not.toContain('2000');
  const thread = await threadWith(stage, shown, '120 ×');
  expect(pids.filter((pid) => !thread.includes(String(pid)))).toEqual([]);
});

test('without approvers nothing can be proposed, and doctor says whom to name', async () => {
  const { stage } = await open({ rule: { approve: [] } });
  expect(await ask(stage, maya, 'propose A')).toContain('Add approvers in dbconn.yml');
  // Doctor probes the channel first, so its report is not the next thing they see.
  await ask(stage, maya, 'doctor');
  const doctor = await stage.slack.waitFor(({ ephemerals }) => {
    const texts = ephemerals.map(({ message }) => toText(message));
    return texts.find((text) => text.includes('Configuration:'));
  }, patienceMs);
  expect(doctor).toContain('Options A to E cannot run: no approver is named.');
  expect(doctor).toContain('under approval in dbconn.yml');
  expect(doctor).not.toContain('Option C');
});

test('a card that could not be posted is said so to its proposer, and posted once it can be', async () => {
  const { stage, bot } = await open();
  stage.slack.setMember(database, identity.botUserId, false);
  expect(await ask(stage, maya, 'propose A')).toContain(
    'could not be posted in the incident channel (not_in_channel)',
  );
  stage.slack.setMember(database, identity.botUserId, true);
  await bot.cards.catchUp(bot.approvals);
  const { ts } = await card(stage, 'Proposed');
  expect(await press(stage, { user: jonas, ts })).toContain('it starts now');
});
