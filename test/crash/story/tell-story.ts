import { setTimeout as sleep } from 'node:timers/promises';
import type { ActResult } from '../../../sandbox/slack/acting/act.ts';
import type { SlackMessage } from '../../../sandbox/slack/workspace.ts';
import { sendAlert } from '../../../sandbox/send-alert.ts';
import type { AlertStatus } from '../../../sandbox/send-alert.ts';
import { toText } from '../../../sandbox/message-text.ts';
import {
  actionIds,
  checklistAction,
  incidentActions,
} from '../../../src/slack/messages/kit/action-ids.ts';
import { isOpen } from '../../../src/runbook/approvals/request.ts';
import type { ApprovalRequest } from '../../../src/runbook/approvals/request.ts';
import type { Incident } from '../../../src/runbook/incidents/incident.ts';
import { dana, jonas, maya, messagesOf } from '../../drills/support/conversation.ts';
import { keptSentences, keyOf, toldSentences } from '../../drills/support/told.ts';
import { webhookToken } from '../../support/harness.ts';
import { patienceMs } from '../../support/until.ts';
import { channel } from './stage.ts';
import type { Stage } from './stage.ts';

/** What everybody in the story does, and sees. */

/** A person who sees nothing come of it does it again, and not before. */
const againAfterMs = 10_000;

interface Act {
  readonly what: string;
  readonly isDone: () => Promise<boolean>;
  /** Absent where there is nothing to do but wait. */
  readonly act?: () => Promise<void>;
}

/** Does it as a person would: again where it visibly did not take effect, above all after the bot was away. */
async function perform({ bots, journal }: Stage, { what, isDone, act }: Act): Promise<void> {
  const deadline = performance.now() + patienceMs;
  let problem: unknown;
  while (!(await isDone())) {
    bots.check();
    if (performance.now() > deadline) {
      const last = (await journal.entries()).slice(-5).map(({ kind, body }) => `${kind} ${body}`);
      const cause = problem;
      throw new Error(`Waited in vain: ${what}. ${last.join('\n')}`, { cause });
    }
    const { deaths } = bots;
    await act?.().catch((error: unknown) => (problem = error));
    const again = performance.now() + (problem === undefined ? againAfterMs : 300);
    problem = undefined;
    while (performance.now() < again && bots.deaths === deaths && !(await isDone()))
      await sleep(50);
  }
}

export async function readIncident({ journal }: Pick<Stage, 'journal'>): Promise<Incident> {
  const states = ['open', 'merged', 'resolved'] as const;
  const [incident] = await journal.listIncidents({ states, limit: 2 });
  if (incident === undefined) throw new Error('There is no incident.');
  return incident;
}

export async function readRequests({
  journal,
  patient,
}: Stage): Promise<readonly ApprovalRequest[]> {
  const since = new Date(0).toISOString();
  return journal.readRequestsSince({ target: patient.target().name, since });
}

/** Messages of the channel that stand in no thread. */
export function parents({ harness }: Pick<Stage, 'harness'>): readonly SlackMessage[] {
  return messagesOf(harness).filter(({ thread_ts: thread }) => thread === undefined);
}

const startsAt = new Date(Date.now() - 60_000).toISOString();

/** Alertmanager sends it again and again until it is taken. */
export function alert(stage: Stage, status: AlertStatus): Promise<void> {
  let isTaken = false;
  return perform(stage, {
    what: `the alert is taken as ${status}`,
    isDone: () => Promise.resolve(isTaken),
    async act() {
      const { port } = stage.bots;
      if (port === undefined) throw new Error('Nobody is there.');
      const target = stage.patient.target().name;
      await sendAlert({ port, bearer: webhookToken, target, status, startsAt });
      isTaken = true;
    },
  });
}

/** Waits until the incident is so. */
function until(stage: Stage, what: string, holds: (incident: Incident) => boolean): Promise<void> {
  const isDone = async (): Promise<boolean> => {
    const [incident] = await stage.journal.listIncidents({
      states: ['open', 'resolved'],
      limit: 1,
    });
    return incident !== undefined && holds(incident);
  };
  return perform(stage, { what, isDone });
}

function expectTaken({ acked, error }: ActResult): void {
  if (!acked) throw new Error(`Slack says ${error ?? 'no'}.`);
}

async function press(
  { harness }: Stage,
  message: SlackMessage | undefined,
  pressed: { readonly user: string; readonly actionId: string; readonly value?: string[] },
): Promise<void> {
  if (message === undefined)
    throw new Error(`There is no message to press ${pressed.actionId} on.`);
  expectTaken(await harness.slack.pressButton({ ...pressed, channel, ts: message.ts }));
}

function haveIt(stage: Stage): Promise<void> {
  return perform(stage, {
    what: 'Maya has it',
    isDone: async () => (await readIncident(stage)).assignee !== null,
    async act() {
      const { id } = await readIncident(stage);
      const card = parents(stage).find((one) => keyOf(one) === id);
      await press(stage, card, { user: maya, actionId: incidentActions.have });
    },
  });
}

/** Proposes C, approves it, and sees what came of it; again where it ended before it did anything. */
async function help(stage: Stage): Promise<void> {
  const text = `/dbconn propose C ${stage.service}`;
  const newest = async (): Promise<ApprovalRequest | undefined> =>
    (await readRequests(stage)).at(-1);
  while (!stage.isHelped()) {
    const before = await newest();
    await perform(stage, {
      what: 'C is proposed',
      isDone: async () => (await newest())?.id !== before?.id,
      async act() {
        expectTaken(await stage.harness.slack.typeCommand({ user: maya, channel, text }));
      },
    });
    await perform(stage, {
      what: 'C is approved',
      isDone: async () => (await newest())?.state !== 'proposed',
      async act() {
        const card = requestCards(stage).find(({ text: title }) => title.startsWith('Proposed, '));
        await press(stage, card, { user: jonas, actionId: actionIds.approve });
      },
    });
    await perform(stage, {
      what: 'it is over',
      async isDone() {
        const request = await newest();
        return request !== undefined && !isOpen(request);
      },
    });
  }
}

/** The cards of requests. Their text begins with where they stand, and names the option. */
export function requestCards(stage: Pick<Stage, 'harness'>): readonly SlackMessage[] {
  return parents(stage).filter(({ text }) => /^[^,]+, option C for /.test(text));
}

function tick(stage: Stage): Promise<void> {
  return perform(stage, {
    what: 'an item of the checklist is ticked',
    isDone: async () => toText((await checklistOf(stage)) ?? {}).includes('1 of 5 done'),
    async act() {
      const value = [`${(await readIncident(stage)).id}:pooler`];
      const pressed = { user: dana, actionId: checklistAction, value };
      await press(stage, await checklistOf(stage), pressed);
    },
  });
}

async function checklistOf(stage: Stage): Promise<SlackMessage | undefined> {
  const { id } = await readIncident(stage);
  return messagesOf(stage.harness).find((one) => keyOf(one) === `checklist:${id}`);
}

/** Until Slack shows all that the journal knows. */
function settled(stage: Stage): Promise<void> {
  return perform(stage, {
    what: 'everything is told in Slack',
    async isDone() {
      const { id } = await readIncident(stage);
      const kept = await keptSentences(stage.harness, id);
      const isTold = toldSentences(stage.harness, id).length >= kept.length;
      return isTold && requestCards(stage).every((card) => isOver(stage, card));
    },
  });
}

const isUnderWay = /^(?:Proposed|Approved|Running|Checking the effect), /;

/** Its card says what came of it, and its thread how the journal stood then. */
function isOver({ harness }: Stage, { ts, text }: SlackMessage): boolean {
  const thread = messagesOf(harness).filter((one) => one.thread_ts === ts);
  return !isUnderWay.test(text) && thread.some((one) => toText(one).includes('journal entry'));
}

/** People are called, one of them has it, and C helps. */
export async function takeCare(stage: Stage): Promise<void> {
  await until(stage, 'everybody is called', ({ escalations, last }) => {
    const sent = escalations.filter(({ state }) => state === 'sent');
    return last !== null && sent.length === 2;
  });
  await haveIt(stage);
  await until(stage, 'the pager knows', ({ pager }) => pager === 'acknowledged');
  await help(stage);
}

/** It is over, reported, and one item of the checklist is ticked. */
export async function end(stage: Stage): Promise<void> {
  await until(stage, 'it is over and reported', ({ state, reportedAt, pager }) => {
    return state === 'resolved' && reportedAt !== null && pager === 'resolved';
  });
  await tick(stage);
  await settled(stage);
}

/** The whole story, from the alert to the first tick of the checklist. */
export async function tellStory(stage: Stage): Promise<void> {
  await alert(stage, 'firing');
  await takeCare(stage);
  await alert(stage, 'resolved');
  await end(stage);
}
