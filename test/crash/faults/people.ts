import { setTimeout as sleep } from 'node:timers/promises';
import type { SlackMessage } from '../../../sandbox/slack/workspace.ts';
import { isOpen } from '../../../src/runbook/approvals/request.ts';
import type { ApprovalRequest } from '../../../src/runbook/approvals/request.ts';
import type { Incident } from '../../../src/runbook/incidents/incident.ts';
import { actionIds } from '../../../src/slack/messages/kit/action-ids.ts';
import { database, jonas, maya, messagesOf } from '../../drills/support/conversation.ts';
import { keyOf } from '../../drills/support/told.ts';
import { patienceMs } from '../../support/until.ts';
import type { Night } from './night.ts';

/** What people do in Slack while everything around the bot breaks. */

/** A person who is answered nothing does it again. */
const againAfterMs = 5000;

interface Act {
  readonly what: string;
  readonly isDone: () => Promise<boolean>;
  /** Absent where there is nothing to do but wait. */
  readonly act?: () => Promise<unknown>;
}

/** Does it as a person would: again where it did not take effect. */
async function insist(night: Night, { what, isDone, act }: Act): Promise<void> {
  const deadline = performance.now() + patienceMs;
  while (!(await isDone())) {
    if (performance.now() > deadline) {
      const entries = await night.read((journal) => journal.entries());
      const last = entries.slice(-8).map(({ kind, body }) => `${kind} ${body.slice(0, 300)}`);
      const { output } = night.keeper;
      throw new Error(`Waited in vain: ${what}.\n${last.join('\n')}\n${output.slice(-4000)}`);
    }
    const { starts } = night.keeper;
    const answers = night.slack.state.ephemerals.length;
    await act?.().catch(() => undefined); // there was no bot, or no such message yet
    const again = performance.now() + againAfterMs;
    const isAnswered = (): boolean => night.slack.state.ephemerals.length > answers;
    while (performance.now() < again && night.keeper.starts === starts && !isAnswered()) {
      if (await isDone()) return;
      await sleep(50);
    }
    await sleep(200);
  }
}

export function readRequests(night: Night): Promise<readonly ApprovalRequest[]> {
  const query = { target: night.target, since: new Date(0).toISOString() };
  return night.read((journal) => journal.readRequestsSince(query));
}

async function readRequest(night: Night, id: string): Promise<ApprovalRequest> {
  const request = await night.read((journal) => journal.read(id));
  if (request === undefined) throw new Error(`There is no request ${id}.`);
  return request;
}

/** All that the journal has of it, for whoever reads that it went wrong: its steps are among the entries. */
export async function tellRequest(night: Night, id: string): Promise<string> {
  const request = JSON.stringify(await readRequest(night, id));
  const entries = await night.read((journal) => journal.entries(id));
  const lines = entries.map(({ seq, at, kind, body }) => `${seq} ${at} ${kind} ${body}`);
  return [request, ...lines].join('\n');
}

function type({ slack }: Night, words: string): Promise<unknown> {
  return slack.typeCommand({ user: maya, channel: database, text: `/dbconn ${words}` });
}

/** Returns the request that was recorded, once it has a card. */
export async function propose(night: Night, words: string): Promise<string> {
  const known = new Set((await readRequests(night)).map(({ id }) => id));
  let found: string | undefined;
  await insist(night, {
    what: `${words} is proposed`,
    async isDone() {
      found = (await readRequests(night)).find(({ id }) => !known.has(id))?.id;
      return found !== undefined;
    },
    act: () => type(night, `propose ${words}`),
  });
  const id = found ?? '';
  const isDone = (): Promise<boolean> => Promise.resolve(cardsOf(night, id).length > 0);
  await insist(night, { what: `${words} has a card`, isDone });
  return id;
}

export async function approve(night: Night, id: string): Promise<void> {
  await insist(night, {
    what: `${id} is approved`,
    isDone: async () => (await readRequest(night, id)).state !== 'proposed',
    async act() {
      const [card] = cardsOf(night, id);
      if (card === undefined) return;
      const { approve: actionId } = actionIds;
      await night.slack.pressButton({ user: jonas, channel: database, ts: card.ts, actionId });
    },
  });
}

/** Returns the request as it ended. */
export async function untilEnded(night: Night, id: string): Promise<ApprovalRequest> {
  const isDone = async (): Promise<boolean> => !isOpen(await readRequest(night, id));
  await insist(night, { what: `${id} ends`, isDone });
  return readRequest(night, id);
}

export function cardsOf({ slack }: Night, id: string): readonly SlackMessage[] {
  return messagesOf({ slack }).filter((one) => keyOf(one) === `request:${id}`);
}

function readIncidents(night: Night): Promise<readonly Incident[]> {
  const states = ['open', 'merged', 'resolved'] as const;
  return night.read((journal) => journal.listIncidents({ states, limit: 5 }));
}

/** So that the pager hears of every change. */
export async function openIncident(night: Night): Promise<void> {
  await insist(night, {
    what: 'an incident is open',
    isDone: async () => (await readIncidents(night)).length > 0,
    act: () => type(night, 'incident open the checkout fails'),
  });
  await insist(night, {
    what: 'the pager knows of the incident',
    isDone: async () => (await readIncidents(night)).some(({ pager }) => pager === 'triggered'),
    act: () => type(night, 'escalate on-call the checkout fails'),
  });
}

export function closeIncident(night: Night): Promise<void> {
  return insist(night, {
    what: 'the incident is closed and the pager knows',
    isDone: async () => (await readIncidents(night)).every(({ pager }) => pager === 'resolved'),
    act: () => type(night, 'incident close the checkout works again'),
  });
}
