import { toText } from '../../../sandbox/message-text.ts';
import { identity } from '../../../sandbox/slack/identity.ts';
import type { SlackOptions } from '../../../sandbox/slack/options.ts';
import type { LocalSlack } from '../../../sandbox/slack/server.ts';
import type { SlackMessage, SlackView } from '../../../sandbox/slack/workspace.ts';
import { createApp } from '../../../src/app.ts';
import type { Bot as RunningBot } from '../../../src/app/deps.ts';
import type { TargetSet } from '../../../src/app/target-adapters.ts';
import type { Config } from '../../../src/config/config.ts';
import type { Rule } from '../../../src/config/entries.ts';
import type { StoredJournal } from '../../../src/journal/stored-journal.ts';
import type { EscalationStep } from '../../../src/runbook/incidents/rules.ts';
import { actionIds } from '../../../src/slack/messages/kit/action-ids.ts';
import { systemClock } from '../../../src/timing.ts';
import type { Clock } from '../../../src/timing.ts';
import { makeJournalFolder } from '../../journal/temporary-journal.ts';
import { startRecordedSlack } from '../../record/recorded.ts';
import {
  aLog,
  appToken,
  botToken,
  connectionFor,
  readManifest,
  signingSecret,
} from '../../slack/support/workspace.ts';
import { configOf } from '../../support/config-of.ts';
import { patienceMs } from '../../support/until.ts';

/** #database and its people: Maya proposes, Jonas and Dana approve, the guest and the stranger may do nothing. */
export const database = 'C0DATABASE';
export const maya = 'U0MAYA0000';
export const jonas = 'U0JONAS000';
export const dana = 'U0DANA0000';
export const guest = 'U0GUEST000';
/** In the channel, and in no list of the policy. */
export const stranger = 'U0STRANGER';
/** Of another workspace, through Slack Connect. */
export const foreigner = 'U0FOREIGN0';

export interface ConversationOptions {
  /** Whoever hands them in closes them. */
  readonly targets: TargetSet;
  /** Of the options A, C and D. */
  readonly rule?: Partial<Rule>;
  readonly approval?: Partial<Config['approval']>;
  /** Whom incidents call; nobody unless given. */
  readonly escalation?: readonly EscalationStep[];
  readonly clock?: Clock;
  /** How Slack reaches the bot; by Socket Mode unless given. */
  readonly mode?: 'socket' | 'http';
  readonly slack?: Partial<SlackOptions>;
  readonly sendIntervalMs?: number;
  readonly verifyAfterMs?: number;
}

export interface Bot extends RunningBot {
  readonly journal: StoredJournal;
}

/** A local Slack and a journal that outlive the bots started between them. */
export interface Conversation {
  readonly slack: LocalSlack;
  /** What all bots logged, line by line. */
  readonly lines: readonly string[];
  start(): Promise<Bot>;
  close(): Promise<void>;
}

/** Where people press and type. */
export type Room = Pick<Conversation, 'slack'>;

export async function openConversation(options: ConversationOptions): Promise<Conversation> {
  const { mode = 'socket', clock = systemClock, sendIntervalMs = 20, targets } = options;
  const slack = await openSlack({ mode, ...options.slack });
  const folder = makeJournalFolder();
  const { log, lines } = aLog();
  const bots: Bot[] = [];
  // The connections outlive each bot.
  const monitor = { ...targets.monitor, close: () => Promise.resolve() };
  return {
    slack,
    lines,
    async start() {
      const app = createApp(configFor(options, folder.file), {
        clock,
        warn: (sentence) => log.warn(sentence),
        sendIntervalMs,
        targets: { ...targets, monitor },
      });
      const slackConfig = { connection: connectionFor(mode), botToken, apiUrl: slack.apiUrl };
      const bot = await app.bot(slackConfig, log);
      let stopped: Promise<void> | undefined;
      const journal = await app.journal();
      const started = { ...bot, journal, stop: () => (stopped ??= bot.stop()) };
      bots.push(started);
      await bot.start();
      const { port } = bot.slack.state;
      if (port !== undefined) slack.setRequestUrl(`http://127.0.0.1:${port}/slack/events`);
      return started;
    },
    async close() {
      for (const bot of bots) await bot.stop();
      await slack.close();
      folder.close();
    },
  };
}

/** Three approvers, of the options A, C and D. */
function configFor(options: ConversationOptions, journal: string): Config {
  const { targets, rule, approval, escalation, verifyAfterMs = 100 } = options;
  const config = configOf({
    journal,
    targets: targets.monitor.targets,
    actions: ['A', 'C', 'D'],
    rule: { approve: [jonas, dana, maya], ...rule },
    verifyAfterMs,
    ...(approval !== undefined && { approval }),
  });
  const calling = config.targets.map((entry) => ({ ...entry, ...(escalation && { escalation }) }));
  return { ...config, channel: database, targets: calling };
}

/** A Slack with #database and its people, without rate limits unless asked for. */
export function openSlack(changes: Partial<SlackOptions> = {}): Promise<LocalSlack> {
  const names = [
    ['maya', maya],
    ['jonas', jonas],
    ['dana', dana],
    ['guest', guest],
    ['stranger', stranger],
    ['foreigner', foreigner],
  ] as const;
  return startRecordedSlack({
    manifest: readManifest(),
    mode: 'socket',
    signingSecret,
    botToken,
    appToken,
    people: names.map(([name, id]) => ({
      id,
      name,
      realName: name,
      guest: id === guest,
      ...(id === foreigner && { team: 'T0OTHER000' }),
    })),
    channels: [
      {
        id: database,
        name: 'database',
        members: [...names.map(([, id]) => id), identity.botUserId],
      },
    ],
    userGroups: [],
    rateLimits: false,
    ackTimeoutMs: patienceMs,
    ...changes,
  });
}

/** All that stands in #database, oldest first. */
export function messagesOf({ slack }: Room): readonly SlackMessage[] {
  return slack.state.channels.find(({ id }) => id === database)?.messages ?? [];
}

export function hasButtons({ blocks }: SlackMessage): boolean {
  return blocks?.some(({ type }) => type === 'actions') ?? false;
}

/** Types `/dbconn …` and returns what this person alone is answered. */
export function ask(conversation: Room, user: string, text: string): Promise<string> {
  return answerTo(conversation, user, async () => {
    const typed = await conversation.slack.typeCommand({
      user,
      channel: database,
      text: `/dbconn ${text}`,
    });
    if (!typed.acked) throw new Error(`Slack says ${typed.error ?? 'no'}.`);
  });
}

interface Pressing {
  readonly user: string;
  readonly ts: string;
  readonly actionId?: string;
  /** The option of a menu; of checkboxes all that are ticked. */
  readonly value?: string | readonly string[];
}

/** Presses a button that answers with a dialog, and returns that. */
export async function open(conversation: Room, pressing: Pressing): Promise<SlackView> {
  const { actionId = actionIds.approve } = pressing;
  const pressed = await conversation.slack.pressButton({
    ...pressing,
    channel: database,
    actionId,
  });
  const { user } = pressing;
  if (!pressed.acked) throw new Error(`Slack says ${pressed.error ?? 'no'}.`);
  return conversation.slack.waitFor(({ modals }) => modals.get(user)?.at(-1)?.view, patienceMs);
}

interface Submitting {
  readonly user: string;
  readonly view: SlackView;
  readonly values?: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

/** Submits a dialog and returns what it says in the end. */
export async function submit(conversation: Room, submitting: Submitting): Promise<string> {
  const { user, view, values = {} } = submitting;
  const submitted = await conversation.slack.submitView({ user, viewId: view.id, values });
  if (!submitted.acked) throw new Error(`Slack says ${submitted.error ?? 'no'}.`);
  if (submitted.errors !== undefined) return JSON.stringify(submitted.errors);
  return conversation.slack.waitFor(({ modals }) => {
    const shown = modals.get(user)?.at(-1)?.view;
    const text = shown === undefined ? '' : toText(shown);
    return text === '' || text.includes('One moment') ? undefined : text;
  }, patienceMs);
}

/** Presses a button and returns what this person alone is answered. */
export function press(conversation: Room, pressing: Pressing): Promise<string> {
  const { user, actionId = actionIds.approve } = pressing;
  return answerTo(conversation, user, async () => {
    const pressed = await conversation.slack.pressButton({
      ...pressing,
      channel: database,
      actionId,
    });
    if (!pressed.acked) throw new Error(`Slack says ${pressed.error ?? 'no'}.`);
  });
}

async function answerTo({ slack }: Room, user: string, act: () => Promise<void>): Promise<string> {
  const own = (): SlackMessage[] =>
    slack.state.ephemerals.filter((one) => one.user === user).map(({ message }) => message);
  const seen = own().length;
  await act();
  return slack.waitFor(() => {
    const answer = own()[seen];
    return answer === undefined ? undefined : toText(answer);
  }, patienceMs);
}

/** The first card that says so, once it does. */
export async function card(conversation: Room, start: string): Promise<SlackMessage> {
  const posts = (): SlackMessage[] =>
    messagesOf(conversation).filter((one) => one.thread_ts === undefined);
  try {
    return await conversation.slack.waitFor(
      () => posts().find(({ text }) => text.startsWith(start)),
      patienceMs,
    );
  } catch (cause) {
    const seen = posts().map(toText).join('\n---\n');
    throw new Error(`No message begins with "${start}". These do not:\n${seen}`, { cause });
  }
}

/** What stands in a card's thread, once the thread says so. */
export function threadWith(
  conversation: Room,
  { ts }: Pick<SlackMessage, 'ts'>,
  words: string,
): Promise<string> {
  return conversation.slack.waitFor(() => {
    const replies = messagesOf(conversation).filter((one) => one.thread_ts === ts);
    const text = replies.map((reply) => `${reply.text}\n${toText(reply)}`).join('\n');
    return text.includes(words) ? text : undefined;
  }, patienceMs);
}
