import { expect, onTestFinished } from 'vitest';
import type { ApprovalTarget } from '../../../src/runbook/approvals/context.ts';
import type { Incident } from '../../../src/runbook/incidents/incident.ts';
import type { TargetMonitor } from '../../../src/runbook/loop/target-monitor.ts';
import { systemClock } from '../../../src/timing.ts';
import type { Clock } from '../../../src/timing.ts';
import { aReading, aSnapshot } from '../../runbook/diagnose/builders.ts';
import { ScriptedRemedy, startedAtMs } from '../../runbook/approvals/world.ts';
import { aTarget } from '../../slack/support/diagnoses.ts';
import { aMonitor, botToken } from '../../slack/support/workspace.ts';
import { toText } from '../../../sandbox/message-text.ts';
import type { SlackMessage } from '../../../sandbox/slack/workspace.ts';
import { patienceMs, until } from '../../support/until.ts';
import { card, database, maya, openConversation, submit } from './conversation.ts';
import type { Bot, Conversation, ConversationOptions } from './conversation.ts';

/** A clock that goes on as the wall's does, from the plans of these tests on, and can be put forward. */
class MovedClock implements Clock {
  #aheadMs = startedAtMs - Date.now();

  now(): number {
    return Date.now() + this.#aheadMs;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return systemClock.sleep(ms, signal);
  }

  pass(ms: number): void {
    this.#aheadMs += ms;
  }
}

/** A bot in a real Slack conversation, over a remedy whose target is two numbers. */
export interface Scripted {
  readonly stage: Conversation;
  readonly bot: Bot;
  readonly remedy: ScriptedRemedy;
  readonly clock: MovedClock;
}

export interface ScriptedOptions extends Partial<Omit<ConversationOptions, 'targets' | 'clock'>> {
  readonly monitor?: TargetMonitor;
}

export async function openScripted({
  monitor = aMonitor({ targets: [aTarget({ name: 'shop' })] }),
  ...changes
}: ScriptedOptions = {}): Promise<Scripted> {
  const [remedy, clock] = [new ScriptedRemedy(), new MovedClock()];
  const shop: ApprovalTarget = {
    name: 'shop',
    remedies: [remedy],
    handOffs: [remedy],
    takeSnapshot: () =>
      Promise.resolve(aSnapshot({ reading: aReading({ counts: { clients: remedy.used } }) })),
    warningUtilisation: 0.8,
  };
  const targets = { targetAdapters: [], monitor, approvalTargets: [shop] };
  const stage = await openConversation({ targets, clock, ...changes });
  try {
    return { stage, bot: await stage.start(), remedy, clock };
  } catch (error) {
    await stage.close();
    throw error;
  }
}

/** The same for one test, which ends it. */
export async function playScripted(changes: ScriptedOptions = {}): Promise<Scripted> {
  const scripted = await openScripted(changes);
  onTestFinished(() => scripted.stage.close());
  return scripted;
}

/** A new incident of shop, opened by Maya, whose message is in the channel. */
export async function openIncident(
  { bot }: Scripted,
  reason = 'it fills',
): Promise<{ readonly incident: Incident; readonly ts: string }> {
  const opened = await bot.incidents.open('shop', { id: maya, via: 'slack' }, reason);
  if (!opened.ok) throw new Error(opened.refusal.why);
  const incident = opened.value;
  await until(
    'it has its message',
    async () => (await bot.board.placeOf(incident.id)) !== undefined,
  );
  const place = await bot.board.placeOf(incident.id);
  return { incident, ts: place?.ts ?? '' };
}

interface Pressing {
  readonly user: string;
  readonly ts: string;
  readonly actionId: string;
  readonly value?: string;
}

/** What a dialog is filled in with, by its callback. */
export type Fillings = Readonly<
  Record<string, Readonly<Record<string, Readonly<Record<string, string>>>>>
>;

/** Presses, fills in the dialog if one opens, and returns what this person alone reads. */
export async function pressToTheEnd(
  { stage }: Scripted,
  pressing: Pressing,
  fillings: Fillings,
): Promise<{ said: string; dialog: string | undefined }> {
  const { user } = pressing;
  const seen = stage.slack.state.ephemerals.filter((one) => one.user === user).length;
  const pressed = await stage.slack.pressButton({ ...pressing, channel: database });
  expect(pressed).toMatchObject({ acked: true });
  const answered = await stage.slack.waitFor(({ ephemerals, modals }) => {
    const view = modals.get(user)?.at(-1)?.view;
    const said = ephemerals.filter((one) => one.user === user)[seen];
    return view ?? said?.message;
  }, patienceMs);
  if (!('callback_id' in answered)) return { said: toText(answered), dialog: undefined };
  const dialog = answered.callback_id;
  const said = await submit(stage, { user, view: answered, values: fillings[dialog] ?? {} });
  const [top] = stage.slack.state.modals.get(user) ?? [];
  await stage.slack.closeView({ user, viewId: top?.view.id ?? '' });
  return { said, dialog };
}

interface PostedButton {
  readonly actionId: string;
  readonly value: string;
  /** The block it stands in; one that Slack makes up unless given. */
  readonly blockId?: string;
}

/** Posts a message of the bot with one button, as an older message or a forger may have it. */
export async function postButton(
  stage: Conversation,
  { actionId, value, blockId }: PostedButton,
): Promise<SlackMessage> {
  const text = { type: 'plain_text', text: 'Press' };
  const elements = [{ type: 'button', action_id: actionId, text, value }];
  const words = `A button ${actionId} in ${blockId ?? 'no block'}`;
  const response = await fetch(`${stage.slack.apiUrl}chat.postMessage`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${botToken}` },
    body: JSON.stringify({
      channel: database,
      text: words,
      blocks: [{ type: 'actions', elements, ...(blockId !== undefined && { block_id: blockId }) }],
    }),
  });
  const answer: unknown = await response.json();
  if (typeof answer !== 'object' || answer === null || !('ok' in answer) || answer.ok !== true) {
    throw new Error(`Slack refuses the button: ${JSON.stringify(answer)}`);
  }
  return card(stage, words);
}
