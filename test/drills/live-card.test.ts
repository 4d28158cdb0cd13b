import { expect, test } from 'vitest';
import { done } from '../../src/runbook/remedies/remedy.ts';
import type { RunControl } from '../../src/runbook/remedies/remedy.ts';
import { actionIds } from '../../src/slack/messages/kit/action-ids.ts';
import { buildPlan } from '../runbook/approvals/builders.ts';
import { playScripted } from './support/scripted.ts';
import type { Scripted, ScriptedOptions } from './support/scripted.ts';
import {
  ask,
  card,
  dana,
  jonas,
  guest,
  hasButtons,
  maya,
  messagesOf,
  press,
  threadWith,
} from './support/conversation.ts';
import { toText } from '../../sandbox/message-text.ts';
import { patienceMs } from '../support/until.ts';
import { named } from '../support/people.ts';

type Draft = Partial<Parameters<typeof buildPlan>[0]>;

async function proposed(
  plan: Draft,
  changes: ScriptedOptions = {},
): Promise<Scripted & { ts: string }> {
  const scripted = await playScripted(changes);
  const { stage, remedy } = scripted;
  const { policyVersion: _version, plannedAt: _at, ...draft } = buildPlan(plan);
  remedy.propose = () => Promise.resolve(done(draft));
  remedy.recheck = ({ targets }) => Promise.resolve({ left: targets, skipped: [] });
  await ask(stage, maya, 'propose A');
  return { ...scripted, ts: (await card(stage, 'Proposed')).ts };
}

/** The card, once it says so. */
function cardWith({ stage }: Scripted, ts: string, ...words: string[]): Promise<string> {
  return stage.slack.waitFor(() => {
    const found = messagesOf(stage).find((one) => one.ts === ts);
    const text = found === undefined ? '' : toText(found);
    return words.every((word) => text.includes(word)) ? text : undefined;
  }, patienceMs);
}

const threeSteps = { steps: ['Keep the file', 'End 61 sessions', 'Look again'] };

/** Two of three steps, the second of which waits for the test. */
async function upToTheSecond(control: RunControl, held: Promise<void>): Promise<void> {
  await control.record({ step: 0, sentence: 'kept' });
  await control.intend({ step: 1, sentence: 'ending them' });
  control.progress('12 of 61 ended');
  await held;
  await control.record({ step: 1, sentence: 'ended them' });
  await control.intend({ step: 2, sentence: 'looking' });
  await control.record({ step: 2, sentence: 'looked' });
}

test('the card counts the plan’s steps off: done with its time, running with its progress, next', async () => {
  const held = Promise.withResolvers<void>();
  const world = await proposed(threeSteps);
  const { stage, remedy, ts } = world;
  expect(toText(await card(stage, 'Proposed'))).toMatch(/Steps\s+• Keep the file/);
  remedy.during = (control) => upToTheSecond(control, held.promise);
  await press(stage, { user: jonas, ts });
  await cardWith(world, ts, '✓ Keep the file', '▶ End 61 sessions', '○ Look again');
  held.resolve();
  await cardWith(world, ts, 'Fixed');
  const ended = await threadWith(stage, { ts }, '✓ Look again');
  expect(ended).toMatch(/✓ End 61 sessions, \d+\.\d s/);
  expect(ended).not.toContain('○');
});

test('a process that comes later has the steps of the one before', async () => {
  const held = Promise.withResolvers<void>();
  const world = await proposed(threeSteps);
  const { stage, remedy, ts } = world;
  remedy.during = (control) => upToTheSecond(control, held.promise);
  await press(stage, { user: jonas, ts });
  await cardWith(world, ts, '▶ End 61 sessions');
  const next = await stage.start();
  const open = await next.approvals.get(await idAt(world, ts));
  if (!open.ok) throw new Error(open.refusal.why);
  next.cards.found(open.value, { channel: 'C0DATABASE', ts });
  await next.cards.drain(patienceMs);
  // Without the progress, which only the process that runs it hears.
  const shown = await cardWith(world, ts, '✓ Keep the file', '▶ End 61 sessions');
  expect(shown).not.toContain('12 of 61 ended');
  held.resolve();
  await cardWith(world, ts, 'Fixed');
  expect(await threadWith(stage, { ts }, 'journal entry')).toContain('✓ Look again');
});

function idAt({ stage }: Scripted, ts: string): Promise<string> {
  const text = toText(messagesOf(stage).find((one) => one.ts === ts) ?? {});
  const [, id = ''] = /request (\w+)/.exec(text) ?? [];
  return Promise.resolve(id);
}

test('of many steps the card shows those around the present one, and counts the others', async () => {
  const steps = Array.from({ length: 40 }, (_, index) => `Step number ${index + 1}`);
  const held = Promise.withResolvers<void>();
  const world = await proposed({ steps });
  const { stage, remedy, ts } = world;
  remedy.during = async (control) => {
    for (let step = 0; step < 20; step += 1) {
      await control.intend({ step, sentence: `number ${step}` });
      await control.record({ step, sentence: `number ${step} done` });
    }
    await held.promise;
  };
  await press(stage, { user: jonas, ts });
  const shown = await cardWith(world, ts, '✓ 18 steps', '○ Step number 21');
  expect(shown).toContain('and 14 more steps');
  expect(shown).not.toContain('Step number 5,');
  held.resolve();
  await cardWith(world, ts, 'Fixed');
});

test('a stop is shown on every open card, and goes with it', async () => {
  const world = await proposed({});
  const { stage, ts } = world;
  await ask(stage, maya, 'propose A');
  const cards = (): string[] =>
    messagesOf(stage)
      .filter((one) => one.thread_ts === undefined && one.text.startsWith('Proposed'))
      .map((one) => toText(one));
  const both = (isStopped: boolean): Promise<true> =>
    stage.slack.waitFor(() => {
      const shown = cards().filter((text) => text.includes('⛔ All changes are stopped'));
      return shown.length === (isStopped ? 2 : 0) && cards().length === 2 ? true : undefined;
    }, patienceMs);
  await both(false);
  await ask(stage, guest, 'stop it hurts');
  await both(true);
  expect(await cardWith(world, ts, '⛔')).toContain('it hurts');
  await ask(stage, dana, 'go');
  await both(false);
});

test('a card that is posted while changes are stopped says so from the start', async () => {
  const { stage } = await playScripted();
  await ask(stage, maya, 'stop');
  await ask(stage, maya, 'propose A');
  expect(toText(await card(stage, 'Proposed'))).toContain('⛔ All changes are stopped');
});

test('anybody stops what runs by its card', async () => {
  const reached = Promise.withResolvers<void>();
  const goOn = Promise.withResolvers<void>();
  let sawStop = false;
  const world = await proposed({});
  const { stage, remedy, ts } = world;
  remedy.during = async (control) => {
    reached.resolve();
    await goOn.promise;
    sawStop = await control.isStopped();
  };
  await press(stage, { user: jonas, ts });
  await reached.promise;
  await cardWith(world, ts, 'Running', '[ Stop all changes ]');
  expect(await press(stage, { user: guest, ts, actionId: actionIds.stop })).toContain(
    'All changes are stopped',
  );
  goOn.resolve();
  await cardWith(world, ts, 'Fixed');
  expect(sawStop).toBe(true);
});

test('what expired is asked again as a fresh plan, once', async () => {
  const world = await proposed({});
  const { stage, bot, clock, ts } = world;
  const id = await idAt(world, ts);
  clock.pass(15 * 60_000);
  await bot.approvals.sweep();
  await cardWith(world, ts, 'Expired', '[ Propose again ]');
  const asking = { user: dana, ts, actionId: actionIds.askAgain };
  expect(await press(stage, asking)).toContain('Proposed: End 2 sessions');
  expect(await press(stage, asking)).toContain('This is already proposed');
  expect(await bot.approvals.list()).toMatchObject({
    value: [{ state: 'proposed', supersedes: id, proposedBy: { id: dana } }],
  });
});

test('what can be undone is undone by a proposal of its own', async () => {
  const undoAsk = { kind: 'idle-in-transaction', idleForMs: 7000 } as const;
  const world = await proposed({ undoAsk });
  const { stage, bot, remedy, ts } = world;
  await press(stage, { user: jonas, ts });
  await cardWith(world, ts, 'Fixed', '[ Propose the undo… ]');
  const undoing = { user: dana, ts, actionId: actionIds.undo };
  expect(await press(stage, undoing)).toContain('It waits for approval');
  expect(await press(stage, undoing)).toContain('This is already proposed');
  expect(await bot.approvals.list()).toMatchObject({ value: [{ undoes: await idAt(world, ts) }] });
  expect(remedy.runs).toBe(1);
});

test('a run without its votes says so before everything else', async () => {
  const breakGlass = { users: [maya], terminal: [], actions: ['A' as const] };
  const world = await proposed({}, { approval: { breakGlass } });
  const { stage, ts } = world;
  const id = await idAt(world, ts);
  expect(await ask(stage, jonas, `break-glass ${id} nobody answers`)).not.toContain('It starts');
  expect(await ask(stage, maya, `break-glass ${id}`)).toContain('reason');
  expect(await ask(stage, maya, `break-glass ${id} nobody answers`)).toContain('It starts');
  const shown = await cardWith(world, ts, 'Fixed');
  expect(shown).toContain(`🚨 Run without approval (break-glass), by ${named(maya)}`);
  expect(shown).toContain('nobody answers');
  expect(shown.indexOf('break-glass')).toBeLessThan(shown.indexOf('Proposed by'));
});

test('what is open is listed by request, with who waits for whom', async () => {
  const world = await proposed({});
  const listed = await ask(world.stage, dana, 'requests');
  expect(listed).toContain('1 open request');
  expect(listed).toContain(await idAt(world, world.ts));
  expect(listed).toContain(`@${maya}`);
  expect(listed).toContain('0 of 1 approval');
  expect(hasButtons(await card(world.stage, 'Proposed'))).toBe(true);
});
