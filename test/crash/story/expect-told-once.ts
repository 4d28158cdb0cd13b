import { expect } from 'vitest';
import { toText } from '../../../sandbox/message-text.ts';
import type { SlackMessage } from '../../../sandbox/slack/workspace.ts';
import { messagesOf } from '../../drills/support/conversation.ts';
import { keptSentences, keyOf, toldSentences } from '../../drills/support/told.ts';
import type { Stage } from './stage.ts';
import { parents, readIncident, readRequests, requestCards } from './tell-story.ts';

/** Sees to it that the story is whole and that nothing of it happened twice, whoever told which part of it. */
export async function expectToldOnce(stage: Stage): Promise<void> {
  const { id } = await readIncident(stage);
  await expectRecord(stage);
  expectMessages(stage, id);
  const [told, kept] = [toldSentences(stage.harness, id), await keptSentences(stage.harness, id)];
  expect(told).toEqual(kept);
  await expectRequest(stage);
  const { pages, changes } = stage.harness.pagerDuty;
  expect(pages.map(({ key, state }) => `${state} ${key.split('/').at(-1)}`)).toEqual([
    `resolved ${id}`,
  ]);
  const heard = pages.flatMap((page) => page.heard);
  // PagerDuty knows a repetition by its key: whoever does not know whether it was told tells it again.
  expect(heard.filter((word, index) => word !== heard[index - 1])).toEqual([
    'trigger',
    'acknowledge',
    'resolve',
  ]);
  // One for each change that was made: people propose again what a kill left without an outcome.
  expect(changes.length).toBeLessThanOrEqual((await readRequests(stage)).length);
}

async function expectRecord(stage: Stage): Promise<void> {
  const { journal } = stage;
  expect(await journal.verify()).toMatchObject({ ok: true });
  const states = ['open', 'merged', 'resolved'] as const;
  const incidents = await journal.listIncidents({ states, limit: 5 });
  expect(incidents).toHaveLength(1);
  const [incident] = incidents;
  expect(incident).toMatchObject({ state: 'resolved', pager: 'resolved', reopenedAt: [] });
  expect(incident?.reportedAt).not.toBeNull();
  expect(incident?.checklist.map(({ item }) => item)).toEqual(['pooler']);
  expect(incident?.escalations.map(({ via, state }) => `${via} ${state}`)).toEqual([
    'channel sent',
    'pager sent',
  ]);
  const notes = await journal.readNotes(incident?.id ?? '', 0);
  expect(notes.filter(({ kind }) => kind === 'incident-overdue')).toEqual([]);
  // What happens to a request is told once for each of its states; nothing else is told in the same words twice.
  const keyed = notes.flatMap(({ facts = {} }) =>
    'key' in facts ? JSON.stringify(facts['key']) : [],
  );
  expect(repeated(keyed)).toEqual([]);
  const others = notes.filter(({ kind }) => kind !== 'incident-request');
  expect(repeated(others.flatMap(({ sentence }) => sentence ?? []))).toEqual([]);
}

function expectMessages(stage: Stage, incident: string): void {
  const all = messagesOf(stage.harness);
  const keys = all.flatMap((message) => keyOf(message) ?? []);
  expect(repeated(keys)).toEqual([]);
  // A call goes out also before the incident has a message; then it stands alone.
  const ofIncident = parents(stage).filter((one) => keyOf(one) === incident);
  const calls = all.filter((one) => keyOf(one)?.startsWith(`${incident}/`));
  const others = parents(stage).filter(
    (one) =>
      !ofIncident.includes(one) && !calls.includes(one) && !requestCards(stage).includes(one),
  );
  expect([ofIncident.length, calls.length, others.map(toText)]).toEqual([1, 1, []]);
  const inThread = all.filter((one) => one.thread_ts === ofIncident[0]?.ts);
  expect(repeated(inThread.map((one) => `${keyOf(one)} ${toText(one)}`))).toEqual([]);
  for (const once of [`report:${incident}:0`, `checklist:${incident}`]) {
    expect(keys.filter((key) => key === once)).toHaveLength(1);
  }
  const files = all.flatMap((message) => message.files ?? []).map(({ name }) => name);
  expect(files).toEqual([`${incident}-report-1.md`]);
}

async function expectRequest(stage: Stage): Promise<void> {
  const { engine, patient, service, harness } = stage;
  const requests = await readRequests(stage);
  // Each was approved by somebody, each approval ran once at most, and each has one card.
  for (const { id } of patient.fleet.replicasOf(service)) {
    const restarts = engine.countCalls('restartReplica', id);
    expect(restarts).toBeGreaterThan(0);
    expect(restarts).toBeLessThanOrEqual(requests.length);
  }
  expect(requestCards(stage)).toHaveLength(requests.length);
  for (const { ts } of requestCards(stage)) {
    const lines = linesOf(messagesOf(harness).filter((one) => one.thread_ts === ts));
    expect(repeated(lines)).toEqual([]);
    expect(lines.filter((line) => line.startsWith('journal entry'))).toHaveLength(1);
  }
}

function linesOf(messages: readonly SlackMessage[]): string[] {
  return messages.flatMap((message) => toText(message).split('\n'));
}

function repeated(all: readonly string[]): string[] {
  return all.filter((one, index) => all.indexOf(one) !== index);
}
