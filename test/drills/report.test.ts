import { expect, test } from 'vitest';
import type { Incident } from '../../src/runbook/incidents/incident.ts';
import { createRecords } from '../../src/runbook/reports/reporter.ts';
import type { IncidentReport } from '../../src/runbook/reports/report.ts';
import { checklistAction } from '../../src/slack/messages/kit/action-ids.ts';
import { toText } from '../../sandbox/message-text.ts';
import type { SlackMessage } from '../../sandbox/slack/workspace.ts';
import { endedThem, runCheck, value } from '../runbook/reports/night.ts';
import { readPrevention } from '../../src/runbook/reports/prevention.ts';
import { aTarget as aPlainTarget } from '../runbook/diagnose/builders.ts';
import { aTarget } from '../slack/support/diagnoses.ts';
import { aMonitor, readManifest } from '../slack/support/workspace.ts';
import { openIncident, playScripted } from './support/scripted.ts';
import type { Scripted } from './support/scripted.ts';
import { ask, jonas, guest, maya, messagesOf, press } from './support/conversation.ts';
import { patienceMs, until } from '../support/until.ts';

interface Over extends Scripted {
  readonly incident: Incident;
  readonly report: IncidentReport;
}

/** A bot whose incident is over and reported: the report and its checklist are in the thread. */
async function over(changes: Parameters<typeof playScripted>[0] = {}): Promise<Over> {
  const world = await resolved(await playScripted({ sendIntervalMs: 0, ...changes }));
  await reply(world, 'Post-incident checklist');
  return world;
}

async function resolved(scripted: Scripted): Promise<Over> {
  const { bot } = scripted;
  const by = { id: maya, via: 'slack' } as const;
  const { incident: opened } = await openIncident(scripted, '<b>it</b> fills');
  value(await bot.incidents.assign(opened.id, by));
  const request = await endedThem(1, [1, 2]);
  await bot.journal.create(request, { request: request.id, kind: 'proposed', body: {} });
  scripted.clock.pass(20 * 60_000);
  const incident = value(await bot.incidents.resolve(opened.id, by, 'it is over'));
  const records = createRecords({ log: bot.journal, targets: [aTarget({ name: 'shop' })] });
  const report = value(await records.readReport(opened.id));
  return { ...scripted, incident, report };
}

function thread({ stage }: Scripted): readonly SlackMessage[] {
  return messagesOf(stage).filter(({ thread_ts: parent }) => parent !== undefined);
}

/** The reply that says so, once it is there. */
function reply(world: Scripted, words: string): Promise<SlackMessage> {
  return world.stage.slack.waitFor(
    () => thread(world).find((message) => toText(message).includes(words)),
    patienceMs,
  );
}

function file(world: Scripted): Promise<SlackMessage> {
  return world.stage.slack.waitFor(
    () => thread(world).find(({ files = [] }) => files.length > 0),
    patienceMs,
  );
}

test('the report stands in the thread as a message and a file, and its checklist after it', async () => {
  const world = await over();
  const { incident } = world;
  const said = toText(await reply(world, 'What was done'));
  expect(said).toContain('shop');
  expect(said).toContain('Proposed by');
  const { files = [] } = await file(world);
  expect(files.map(({ name }) => name)).toEqual([`${incident.id}-report-1.md`]);
  expect(toText(await reply(world, 'Post-incident checklist'))).toContain('0 of 5 done');
});

test('however often it is asked for, by however many processes, it is posted once', async () => {
  const world = await over();
  const { bot, stage, incident, report } = world;
  await bot.board.report(incident, report);
  const before = thread(world).length;
  await bot.stop();
  const second = await stage.start();
  await second.board.report(incident, report);
  await second.board.idle(patienceMs);
  expect(thread(world)).toHaveLength(before);
  expect(thread(world).flatMap(({ files = [] }) => files)).toHaveLength(1);
});

test('without the scope for files the whole report stands in the thread as text', async () => {
  const scopes = ['chat:write', 'commands', 'users:read', 'channels:history'];
  const world = await over({ slack: { manifest: readManifest(scopes) } });
  const { bot, incident, report } = world;
  await bot.board.report(incident, report);
  const parts = thread(world)
    .map(toText)
    .filter((text) => /Timeline/.test(text));
  expect(parts).toHaveLength(1);
  expect(thread(world).map(toText).join('\n')).toContain('## Follow-up');
  expect(thread(world).flatMap(({ files = [] }) => files)).toEqual([]);
});

test('an upload that fails on the way is tried again and repeats nothing else', async () => {
  const scripted = await playScripted({ sendIntervalMs: 0 });
  const { stage, clock } = scripted;
  const refused = { kind: 'refused', error: 'internal_error' } as const;
  stage.slack.interfere('files.completeUploadExternal', refused, 1);
  const world = await resolved(scripted);
  await until('it failed', async () => stage.lines.some((line) => line.includes('internal_error')));
  clock.pass(5000);
  await file(world);
  const titles = thread(world).filter((message) => toText(message).includes('What was done'));
  expect(titles).toHaveLength(1);
});

test('a tick is recorded with name and time, shown on the list, and its box goes away', async () => {
  const world = await over();
  const { bot, stage, incident } = world;
  const { ts } = await reply(world, 'Post-incident checklist');
  const box = [`${incident.id}:pooler`, `${incident.id}:thresholds`];
  const answer = await press(stage, { user: jonas, ts, actionId: checklistAction, value: box });
  expect(answer).toContain('Recorded');
  const shown = toText(await reply(world, '2 of 5 done'));
  expect(shown).toMatch(/✓ Consider connection pooler.*, @jonas at/);
  const { checklist } = value(await bot.incidents.get(incident.id));
  expect(checklist.map(({ item, by }) => [item, by.id])).toEqual([
    ['pooler', jonas],
    ['thresholds', jonas],
  ]);
  await expect(
    press(stage, { user: maya, ts, actionId: checklistAction, value: [`${incident.id}:pooler`] }),
  ).rejects.toThrow('pooler');
});

test('a guest may not tick, and is told so', async () => {
  const world = await over();
  const { bot, stage, incident } = world;
  const { ts } = await reply(world, 'Post-incident checklist');
  const box = [`${incident.id}:pooler`];
  const answer = await press(stage, { user: guest, ts, actionId: checklistAction, value: box });
  expect(answer).not.toContain('Recorded');
  expect(value(await bot.incidents.get(incident.id)).checklist).toEqual([]);
});

test('open items are asked for once, whoever asks', async () => {
  const world = await over();
  const { bot, incident } = world;
  const question = { key: 'checklist-ask:1', sentence: `<@${maya}> 3 items are still open.` };
  await bot.board.ask(incident, question);
  await bot.board.ask(incident, question);
  expect(thread(world).filter((one) => toText(one).includes('still open'))).toHaveLength(1);
});

test('history lists what was, and report shows the latest or the one that is named', async () => {
  const world = await over();
  const { stage, incident } = world;
  const listed = await ask(stage, jonas, 'history');
  expect(listed).toContain(incident.id);
  expect(listed).toContain('0 of 5 checklist items done');
  expect(await ask(stage, jonas, 'report')).toContain(world.report.title);
  expect(await ask(stage, jonas, `report ${incident.id}`)).toContain('What was done');
  expect(await ask(stage, jonas, 'report inc-zzzzzzzz')).toContain('This incident does not exist');
});

test('prevention shows what could be better, with a button for what can be proposed', async () => {
  const target = aPlainTarget({ canResize: true });
  const settings = { idle_in_transaction_session_timeout: 0, idle_session_timeout: 0 };
  const look = { minute: 0, used: 40, forgotten: [], working: 1, poolSize: 100, settings };
  const prevention = readPrevention(runCheck(target, [], look));
  const monitor = aMonitor({
    targets: [aTarget({ name: 'shop' })],
    prevention: () => Promise.resolve(prevention),
  });
  const { stage } = await over({ monitor });
  const shown = await ask(stage, jonas, 'prevention');
  expect(shown).toMatch(/Prevention, shop: \d of \d+ settings should change/);
  expect(shown).toContain('idle_in_transaction_session_timeout');
  expect(shown).toContain('/dbconn propose prevention idle-in-transaction 10m');
});
