import { expect } from 'vitest';
import { toText } from '../../../sandbox/message-text.ts';
import { asAdmin } from '../../../sandbox/patient/schema.ts';
import { isOpen } from '../../../src/runbook/approvals/request.ts';
import type { ApprovalRequest } from '../../../src/runbook/approvals/request.ts';
import { follow, notBegun } from '../../../src/slack/messages/plan.ts';
import type { RunProgress } from '../../../src/slack/messages/plan.ts';
import { requestCard } from '../../../src/slack/messages/request-card.ts';
import { messagesOf } from '../../drills/support/conversation.ts';
import { keyOf } from '../../drills/support/told.ts';
import { named } from '../../support/people.ts';
import { until } from '../../support/until.ts';
import type { Night } from './night.ts';
import { cardsOf, readRequests } from './people.ts';

/** What the server's log says of sessions, from one place in it to its present end. */
export interface Log {
  readonly text: string;
}

export async function readLogFrom({ patient }: Night, from: number): Promise<Log> {
  const text = (await patient.cluster.log()).slice(from);
  // A shutdown ends every session by the same words; option B is judged by its own case.
  return {
    text: text.replaceAll(/received fast shutdown request[^]*?database system is shut down/g, ''),
  };
}

/** PostgreSQL ended and cancelled whom the journal says, and nobody else, save those it says are not known. */
export function expectSameEnds({ text }: Log, { result }: ApprovalRequest): void {
  const items = result?.report.items ?? [];
  const said = (word: string): string[] =>
    items.filter(({ outcome }) => outcome === word).map(({ what }) => what.replace('pid ', ''));
  const inLog = (message: string): string[] =>
    [...text.matchAll(new RegExp(`\\[(\\d+)\\] .*${message}`, 'g'))].map(([, pid = '']) => pid);
  const ended = inLog('FATAL: +terminating connection due to administrator command');
  const cancelled = inLog('ERROR: +canceling statement due to user request');
  expect({
    ended: without(said('ended'), ended),
    cancelled: without(said('cancelled'), cancelled),
  }).toEqual({ ended: [], cancelled: [] });
  const open = [...said('unknown'), ...said('ended')];
  expect({
    ended: without(ended, open),
    cancelled: without(cancelled, [...open, ...said('cancelled')]),
  }).toEqual({ ended: [], cancelled: [] });
}

function without(all: readonly string[], others: readonly string[]): string[] {
  return all.filter((one) => !others.includes(one));
}

/** dbconn does nothing in the database any more, and nobody waits for it. */
export async function expectQuiet(night: Night): Promise<void> {
  const requests = await readRequests(night);
  expect(requests.filter((one) => isOpen(one) && one.state !== 'proposed')).toEqual([]);
  const left = `SELECT pid FROM pg_stat_activity a WHERE application_name = 'dbconn'
    AND (state LIKE 'idle in transaction%' OR state = 'active' AND query_start < clock_timestamp() - interval '5 s'
      OR EXISTS (SELECT FROM pg_stat_activity b WHERE a.pid = ANY (pg_blocking_pids(b.pid))))`;
  await until('dbconn neither works nor blocks anybody', () =>
    asAdmin(
      night.patient.urls.rescue,
      async (admin) => (await admin.query(left)).rows.length === 0,
    ),
  );
}

/** Every request has one card, which says what the journal says, and the end of each is told once. */
export async function expectCards(night: Night): Promise<void> {
  let problems: readonly string[] = [];
  try {
    await until('the cards say what the journal says', async () => {
      problems = (
        await Promise.all((await readRequests(night)).map((one) => judge(night, one)))
      ).flat();
      return problems.length === 0;
    });
  } catch (cause) {
    throw new Error(problems.join('\n'), { cause });
  }
}

async function judge(night: Night, request: ApprovalRequest): Promise<string[]> {
  const { id, state } = request;
  const cards = cardsOf(night, id);
  const [card] = cards;
  if (card === undefined || cards.length > 1)
    return [`${id} (${state}) has ${cards.length} cards.`];
  const steps = await night.read((journal) => journal.readSteps(id));
  const runProgress = steps.reduce<RunProgress>(follow, notBegun);
  const [told, kept] = [card, requestCard(request, { runProgress, stop: null })].map(toPlainText);
  const ends = countEnds(night, request);
  const isEnd = ends === (isOpen(request) ? 0 : 1);
  return [
    ...(told === kept ? [] : [`${id} is shown as:\n${told}\nand is:\n${kept}`]),
    ...(isEnd ? [] : [`The end of ${id} (${state}) is told ${ends} times.`]),
  ];
}

function countEnds(night: Night, { id }: ApprovalRequest): number {
  return messagesOf(night).filter((one) => keyOf(one) === `request:${id}:end`).length;
}

/**
 * How long a step took is measured by who tells of it, and a few milliseconds later by the journal. A person is named, or
 * mentioned where Slack did not say the name.
 */
function toPlainText(message: Parameters<typeof toText>[0]): string {
  return toText(message)
    .replaceAll(/\b\d+(?:\.\d)? s\b/g, 'some s')
    .replaceAll(/@(U0\w+)/g, (_, id: string) => named(id));
}
