import { toText } from '../../../sandbox/message-text.ts';
import { identity } from '../../../sandbox/slack/identity.ts';
import type { SlackOptions } from '../../../sandbox/slack/options.ts';
import type { LocalSlack } from '../../../sandbox/slack/server.ts';
import type { SlackMessage, SlackView } from '../../../sandbox/slack/workspace.ts';
import { createIncidentMarks, createPlaces } from '../../../src/journal/message-places.ts';
import type { StoredJournal } from '../../../src/journal/stored-journal.ts';
import type { Logger } from 'pino';
import { createApprovals } from '../../../src/runbook/approvals/approvals.ts';
import type { Approvals } from '../../../src/runbook/approvals/approvals.ts';
import type { ApprovalTarget } from '../../../src/runbook/approvals/context.ts';
import type { People } from '../../../src/runbook/approvals/people.ts';
import { defaultPolicy } from '../../../src/runbook/approvals/policy.ts';
import type { OptionPolicy, Policy } from '../../../src/runbook/approvals/policy.ts';
import { isIncidentOver } from '../../../src/runbook/incidents/incident-log.ts';
import { createIncidents } from '../../../src/runbook/incidents/incidents.ts';
import type { Incidents } from '../../../src/runbook/incidents/incidents.ts';
import { defaultIncidentRules } from '../../../src/runbook/incidents/rules.ts';
import type { TargetMonitor } from '../../../src/runbook/loop/target-monitor.ts';
import type { IncidentBoard } from '../../../src/runbook/reports/incident-board.ts';
import { createRecords } from '../../../src/runbook/reports/reporter.ts';
import type { Records } from '../../../src/runbook/reports/reporter.ts';
import { createSlackApp } from '../../../src/slack/app.ts';
import type { SlackApp } from '../../../src/slack/app.ts';
import { createClient } from '../../../src/slack/connection/client.ts';
import { createNotifier } from '../../../src/slack/live/notifier.ts';
import type { Notifier } from '../../../src/slack/live/notifier.ts';
import type { Cards } from '../../../src/slack/live/request-cards.ts';
import { actionIds } from '../../../src/slack/messages/kit/action-ids.ts';
import { createPeople } from '../../../src/slack/people.ts';
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
import { optionPolicy } from '../../support/option-policy.ts';
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
  readonly approvalTargets: readonly ApprovalTarget[];
  readonly monitor: TargetMonitor;
  readonly option?: Partial<OptionPolicy>;
  readonly policy?: Partial<Policy>;
  readonly clock?: Clock;
  /** How Slack reaches the bot; by Socket Mode unless given. */
  readonly mode?: 'socket' | 'http';
  readonly slack?: Partial<SlackOptions>;
  readonly sendIntervalMs?: number;
  readonly verifyAfterMs?: number;
}

export interface Bot {
  readonly approvals: Approvals;
  readonly cards: Cards;
  readonly incidents: Incidents;
  readonly board: IncidentBoard;
  readonly records: Records;
  readonly journal: StoredJournal;
  readonly app: SlackApp;
  /** As SIGTERM ends it. */
  stop(): Promise<void>;
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
  const slack = await openSlack({ mode: options.mode ?? 'socket', ...options.slack });
  const folder = makeJournalFolder();
  const { log, lines } = aLog();
  const bots: Bot[] = [];
  return {
    slack,
    lines,
    async start() {
      const journal = await folder.open(
        options.clock === undefined ? {} : { clock: options.clock },
      );
      const bot = await startBot(options, { slack, journal, log });
      bots.push(bot);
      return bot;
    },
    async close() {
      for (const bot of bots) await bot.stop();
      await slack.close();
      folder.close();
    },
  };
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

interface Around {
  readonly slack: LocalSlack;
  readonly journal: StoredJournal;
  readonly log: Logger;
}

async function startBot(
  options: ConversationOptions,
  { slack, journal, log }: Around,
): Promise<Bot> {
  const {
    approvalTargets,
    policy,
    clock = systemClock,
    sendIntervalMs = 20,
    verifyAfterMs = 100,
  } = options;
  const news = createNotifier({
    botToken,
    apiUrl: slack.apiUrl,
    channel: database,
    places: createPlaces(journal),
    readHead: () => journal.head(),
    readSteps: (request) => journal.readSteps(request),
    readRequest: (request) => journal.read(request),
    log,
    sendIntervalMs,
  });
  const rule = { ...optionPolicy, approvers: [jonas, dana, maya], ...options.option };
  const people = createPeople(createClient(botToken, { apiUrl: slack.apiUrl, log }), log);
  const approvals = createApprovals({
    people,
    journal,
    approvalTargets,
    policy: { ...defaultPolicy, options: { A: rule, C: rule, D: rule }, ...policy },
    clock,
    verifyAfterMs,
    onChange: (request, step) => news.cards.tell(request, step),
    onFault: (request, err) => log.error({ err, request }, 'A change broke off'),
    isIncidentOver: (request) => isIncidentOver(journal, request),
  });
  const kept = keepIncidents(options.monitor, { journal, news, approvals, people, clock });
  const app = createSlackApp({
    connection: connectionFor(options.mode ?? 'socket'),
    botToken,
    apiUrl: slack.apiUrl,
    channel: database,
    monitor: options.monitor,
    heard: journal,
    changes: {
      approvals,
      journal,
      pagingOf: () => undefined,
      checkAround: () => Promise.resolve([]),
      ...news,
      ...kept,
    },
    log,
  });
  await approvals.takeOver();
  await app.start();
  if (app.state.port !== undefined) {
    slack.setRequestUrl(`http://127.0.0.1:${app.state.port}/slack/events`);
  }
  await news.cards.catchUp(approvals);
  let stopped: Promise<void> | undefined;
  const stop = async (): Promise<void> => {
    await app.stop();
    await approvals.drain();
    await news.cards.drain(500);
    await kept.board.idle(500);
    await journal.close();
  };
  return { approvals, cards: news.cards, ...kept, journal, app, stop: () => (stopped ??= stop()) };
}

interface Keeping {
  readonly journal: StoredJournal;
  readonly news: Notifier;
  readonly approvals: Approvals;
  readonly people: People;
  readonly clock: Clock;
}

/** Incidents as the bot keeps them, shown as soon as they change. Nobody looks at their targets. */
function keepIncidents(
  { targets }: TargetMonitor,
  { journal, news, approvals, people, clock }: Keeping,
): Pick<Bot, 'incidents' | 'board' | 'records'> {
  const board = news.openBoard({
    log: journal,
    marks: createIncidentMarks(journal),
    targets,
    offers: (target) => approvals.offers(target),
    isLeading: () => true,
    intervals: { urgentMs: 0, figuresMs: 0 },
  });
  const incidents = createIncidents({
    log: journal,
    clock,
    targets,
    rules: defaultIncidentRules,
    policyOf: () => [],
    people,
    onChange: (incident) =>
      board.show({ incident, diagnosis: null, requests: [], ineffective: [] }),
  });
  return { incidents, board, records: createRecords({ log: journal, targets }) };
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
