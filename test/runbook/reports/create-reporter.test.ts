import { afterEach, expect, test } from 'vitest';
import { Reporter } from '../../../src/runbook/reports/reporter.ts';
import type { IncidentReport } from '../../../src/runbook/reports/report.ts';
import type { Incident } from '../../../src/runbook/incidents/incident.ts';
import { ann, bob } from '../approvals/builders.ts';
import { at, endedThem, leakNight, value } from './night.ts';
import type { Night } from './night.ts';

const checklistAfterMs = 2 * 86_400_000;

interface World {
  readonly night: Night;
  readonly incident: Incident;
  /** What the board was given; it refuses while `refuses`. */
  readonly reports: IncidentReport[];
  readonly questions: { readonly key: string; readonly sentence: string }[];
  readonly faults: unknown[];
  refuses: boolean;
  /** As a process that was just started. */
  reporter(): Reporter;
}

let night: Night | undefined;
afterEach(() => {
  night?.close();
  night = undefined;
});

async function open(): Promise<World> {
  const { night: it, incident } = await leakNight();
  night = it;
  const world: World = {
    night: it,
    incident,
    reports: [],
    questions: [],
    faults: [],
    refuses: false,
    reporter: () =>
      new Reporter({
        log: it.journal,
        board: {
          report: (_incident, report) => take(world.reports, report),
          ask: (_incident, question) => take(world.questions, question),
        },
        clock: it.clock,
        targets: [it.target],
        rules: { checklistAfterMs },
        onFault: (error) => world.faults.push(error),
      }),
  };
  const take = <T>(list: T[], item: T): Promise<void> => {
    if (world.refuses) return Promise.reject(new Error('ratelimited'));
    list.push(item);
    return Promise.resolve();
  };
  return world;
}

test('a resolved incident is reported once, by whichever process', async () => {
  const world = await open();
  const reported = await world.reporter().advance(world.incident);
  expect(reported.reportedAt).not.toBeNull();
  await world.reporter().advance(reported);
  await world.reporter().advance(value(await world.night.incidents.get(world.incident.id)));
  expect(world.reports).toHaveLength(1);
});

test('an open incident is left alone', async () => {
  const world = await open();
  const open_ = { ...world.incident, state: 'open', closing: null } as const;
  expect(await world.reporter().advance(open_)).toBe(open_);
  expect(world.reports).toHaveLength(0);
});

test('what Slack refuses is tried again, at growing pauses and not at every call', async () => {
  const world = await open();
  const reporter = world.reporter();
  world.refuses = true;
  for (let second = 0; second < 60; second += 1) {
    expect((await reporter.advance(world.incident)).reportedAt).toBeNull();
    world.night.clock.nowMs += 1000;
  }
  expect(world.faults.length).toBeGreaterThan(2);
  expect(world.faults.length).toBeLessThan(6);
  world.refuses = false;
  world.night.clock.nowMs += 5 * 60_000;
  expect((await reporter.advance(world.incident)).reportedAt).not.toBeNull();
  expect(world.reports).toHaveLength(1);
});

test('a change that is still verified is waited for, and not for ever', async () => {
  const world = await open();
  const { clock, journal } = world.night;
  const running = { ...(await endedThem(12, [1])), id: 'req-2', state: 'verifying' } as const;
  await journal.create(running, { request: running.id, kind: 'proposed', body: {} });
  const reporter = world.reporter();
  expect((await reporter.advance(world.incident)).reportedAt).toBeNull();
  clock.nowMs = Date.parse(world.incident.closing?.at ?? '') + 10 * 60_000;
  expect((await reporter.advance(world.incident)).reportedAt).not.toBeNull();
});

test('one that came back meanwhile is not said to be reported', async () => {
  const world = await open();
  const { incidents } = world.night;
  value(await incidents.reopen(world.incident.id, ann, 'it fills again'));
  const now = await world.reporter().advance(world.incident);
  expect(now).toMatchObject({ state: 'open', reportedAt: null });
});

test('open items are asked for once, two days after the end, of whoever had it', async () => {
  const world = await open();
  const { clock, incidents } = world.night;
  const { id } = world.incident;
  let now = await world.reporter().advance(world.incident);
  value(await incidents.tick(id, bob, 'pooler'));
  now = value(await incidents.get(id));
  const endedMs = Date.parse(now.closing?.at ?? '');
  clock.nowMs = endedMs + checklistAfterMs - 1;
  await world.reporter().advance(now);
  expect(world.questions).toEqual([]);
  clock.nowMs += 1;
  now = await world.reporter().advance(now);
  await world.reporter().advance(now);
  expect(world.questions).toHaveLength(1);
  expect(world.questions[0]?.sentence).toMatch(
    /^<@UANN> 4 checklist items are still open: review connection/,
  );
  expect(now.checklistAskedAt).toBe(new Date(clock.nowMs).toISOString());
});

test('a checklist that is done is asked for by nobody, and is never looked at again', async () => {
  const world = await open();
  const { clock, incidents } = world.night;
  const { id } = world.incident;
  await world.reporter().advance(world.incident);
  for (const item of [
    'connection-patterns',
    'code-leaks',
    'pool-sizes',
    'pooler',
    'thresholds',
  ] as const) {
    value(await incidents.tick(id, ann, item));
  }
  clock.nowMs += checklistAfterMs + 60_000;
  const now = await world.reporter().advance(value(await incidents.get(id)));
  expect(world.questions).toEqual([]);
  expect(now.checklistAskedAt).not.toBeNull();
});

test('what became a part of another incident is reported, and nobody is asked for its checklist', async () => {
  const world = await open();
  const { clock, journal } = world.night;
  const reported = await world.reporter().advance(world.incident);
  const part = { ...reported, mergedInto: 'inc-another1', version: reported.version + 1 };
  const entry = { incident: part.id, kind: 'incident-merged', body: { sentence: null } };
  expect(await journal.moveIncident(reported.version, part, entry)).toBe('moved');
  clock.nowMs += checklistAfterMs + 60_000;
  const now = await world.reporter().advance(part);
  expect(world.questions).toEqual([]);
  expect(now.checklistAskedAt).not.toBeNull();
});

test('the report of an incident that came back has both ends in it', async () => {
  const world = await open();
  const { incidents } = world.night;
  const first = await world.reporter().advance(world.incident);
  value(await incidents.reopen(first.id, ann, 'it fills again'));
  for (const minute of [20, 21, 22, 23, 24, 25, 26]) await world.night.look(minute, 38);
  const again = value(await incidents.get(first.id));
  expect(again).toMatchObject({ state: 'resolved', reportedAt: null });
  await world.reporter().advance(again);
  expect(world.reports).toHaveLength(2);
  expect(world.reports[1]?.incident.reopenedAt).toHaveLength(1);
  expect(Date.parse(again.closing?.at ?? '')).toBeGreaterThan(Date.parse(at(20)));
});
