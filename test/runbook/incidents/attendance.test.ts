import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { JournalUnavailable } from '../../../src/runbook/approvals/journal.ts';
import { IncidentLoop } from '../../../src/runbook/loop/incident-loop.ts';
import type { IncidentLoopDeps } from '../../../src/runbook/loop/advance-incident.ts';
import { changeIncident } from '../../../src/runbook/incidents/change.ts';
import type { Incident, IncidentChange } from '../../../src/runbook/incidents/incident.ts';
import type { IncidentView } from '../../../src/runbook/incidents/incidents.ts';
import { defaultIncidentRules } from '../../../src/runbook/incidents/rules.ts';
import type { Snapshot } from '../../../src/runbook/snapshot/snapshot.ts';
import type { Note } from '../../../src/runbook/incidents/incident-log.ts';
import { defaultPolicy } from '../../../src/runbook/approvals/policy.ts';
import { noMeter } from '../../../src/runbook/escalation/ports.ts';
import { sealIncident } from '../../../src/terminal/commands/bundle-command.ts';
import { ann, buildRequest } from '../approvals/builders.ts';
import { anAlert, ended, must, openIncidentSetup, shop, till, used } from './incident-setup.ts';
import type { IncidentSetup } from './incident-setup.ts';
import { createSteadyClock } from '../../../src/runbook/incidents/steady-clock.ts';

const quietBoard = {
  report: () => Promise.resolve(),
  ask: () => Promise.resolve(),
  doubt: () => undefined,
  placeOf: () => Promise.resolve(undefined),
  idle: () => Promise.resolve(),
};

describe('whoever tends the incidents', () => {
  let setup: IncidentSetup;
  let attendances: IncidentLoop[];
  let world: Map<string, Snapshot>;
  let shown: IncidentView[];
  let called: IncidentView[];
  let reported: Incident[];
  let faults: string[];
  let looked: string[];
  beforeEach(async () => {
    setup = await openIncidentSetup();
    world = new Map([
      ['shop', used(20)],
      ['till', used(20)],
    ]);
    [attendances, shown, called, reported, faults, looked] = [[], [], [], [], [], []];
  });
  afterEach(async () => {
    const stopped = Promise.all(attendances.map((one) => one.stop()));
    await setup.clock.move(20_000);
    await stopped;
    setup.close();
    if (setup.clock.sleeping > 0) throw new Error('Somebody sleeps on.');
  });

  const write = async (incident: Incident, note: Note, change: IncidentChange): Promise<Incident> =>
    must(
      await changeIncident({ log: setup.journal }, incident.id, ({ state }) => ({
        state,
        change,
        note,
      })),
    );

  const advance = (id: string, change: Partial<IncidentLoopDeps> = {}): IncidentLoop => {
    const incidentLoop = new IncidentLoop({
      incidents: setup.incidents,
      log: setup.journal,
      monitor: {
        targets: [shop, till],
        runCheck: async (target) => {
          looked.push(target);
          return setup.look(world.get(target) ?? used(20), target);
        },
      },
      board: { ...quietBoard, show: (view) => void shown.push(view) },
      escalator: {
        advance: async (view) => {
          called.push(view);
          return view.incident;
        },
      },
      reporter: {
        advance: async (incident) => {
          reported.push(incident);
          const reportedAt = new Date(setup.clock.now()).toISOString();
          if (incident.reportedAt !== null) return incident;
          return write(incident, { kind: 'incident-reported', sentence: null }, { reportedAt });
        },
      },
      rules: defaultIncidentRules,
      clock: createSteadyClock(setup.journal, setup.clock),
      meter: noMeter,
      holder: { id, forMs: 20_000 },
      onFault: (about, error) => void faults.push(`${about}: ${String(error)}`),
      ...change,
    });
    attendances.push(incidentLoop);
    return incidentLoop;
  };
  const history = async (): Promise<readonly Incident[]> => must(await setup.incidents.history());

  test('trouble is seen, shown, called for, and when it is over reported once', async () => {
    advance('a').start();
    await setup.clock.move(60_000);
    expect(shown).toEqual([]);
    world.set('shop', used(96));
    await setup.clock.move(75_000);
    expect(await history()).toMatchObject([{ state: 'open', target: 'shop' }]);
    expect(shown.at(-1)).toMatchObject({ diagnosis: { state: 'critical', target: 'shop' } });
    expect(called.length).toBeGreaterThan(10);
    world.set('shop', used(20));
    await setup.clock.move(180_000);
    expect(await history()).toMatchObject([{ state: 'resolved' }]);
    expect(shown.at(-1)?.incident).toMatchObject({ state: 'resolved' });
    expect(shown.at(-1)?.incident.reportedAt).not.toBeNull();
    const { length } = reported;
    await setup.clock.move(60_000);
    expect(reported).toHaveLength(length);
    expect(length).toBe(1);
    expect(faults).toEqual([]);
  });

  test('whoever stops hands over only after the last words are out', async () => {
    let say: () => void = () => undefined;
    const saying = new Promise<void>((resolve) => (say = resolve));
    const board = { ...quietBoard, show: () => undefined, idle: () => saying };
    const first = advance('a', { board, holder: { id: 'a', forMs: 3000 } });
    first.start();
    await setup.clock.move(1000);
    const second = advance('b', { holder: { id: 'b', forMs: 3000 } });
    second.start();
    const stopped = first.stop();
    // Longer than the lease, which is kept meanwhile.
    await setup.clock.move(10_000);
    expect(second.isLeading()).toBe(false);
    say();
    await stopped;
    await setup.clock.move(1000);
    expect(second.isLeading()).toBe(true);
    expect(faults).toEqual([]);
  });

  test('what did not change is not shown again', async () => {
    advance('a').start();
    must(await setup.incidents.alert(anAlert()));
    world.set('shop', used(96));
    await setup.clock.move(60_000);
    // Rounds come every second, looks every 15.
    expect(shown.length).toBeLessThan(12);
  });

  test('an alert brings a look at once', async () => {
    const incidentLoop = advance('a', { random: () => 0.99 });
    incidentLoop.start();
    await setup.clock.move(1500);
    expect(looked).toEqual([]);
    must(await setup.incidents.alert(anAlert()));
    incidentLoop.wake();
    await setup.clock.move(500);
    expect(looked).toEqual(['shop']);
    expect(shown.at(-1)?.diagnosis).toMatchObject({ target: 'shop' });
  });

  test('without the watch only a target with an incident is looked at, and so it can end', async () => {
    advance('a', { rules: { ...defaultIncidentRules, watch: false } }).start();
    world.set('till', used(97));
    must(await setup.incidents.alert(anAlert()));
    must(await setup.incidents.alert(ended(anAlert())));
    await setup.clock.move(200_000);
    expect(new Set(looked)).toEqual(new Set(['shop']));
    expect(await history()).toMatchObject([{ state: 'resolved' }]);
  });

  test('one process tends; another takes over when it goes, or when it stands still for too long', async () => {
    const [a, b] = [advance('a'), advance('b')];
    a.start();
    await setup.clock.move(1000);
    b.start();
    await setup.clock.move(5000);
    expect([a.isLeading(), b.isLeading()]).toEqual([true, false]);
    const stopped = a.stop();
    await setup.clock.move(3000);
    await stopped;
    expect([a.isLeading(), b.isLeading()]).toEqual([false, true]);
  });

  test('a process that lost its lease stops looking and calling when it would prolong it', async () => {
    must(await setup.incidents.alert(anAlert()));
    let lost = false;
    const log: IncidentLoopDeps['log'] = bindLog(() => lost);
    const a = advance('a', { log });
    a.start();
    await setup.clock.move(5000);
    expect(a.isLeading()).toBe(true);
    lost = true;
    await setup.clock.move(3000);
    expect(a.isLeading()).toBe(false);
    const before = [looked.length, called.length, shown.length];
    await setup.clock.move(120_000);
    expect([looked.length, called.length, shown.length]).toEqual(before);
  });

  test('a journal that does not answer is no loss until the lease has run out', async () => {
    let isBroken = false;
    const log = bindLog(() => {
      if (isBroken) throw new JournalUnavailable('The disk is full. Make room.');
      return false;
    });
    const a = advance('a', { log });
    a.start();
    await setup.clock.move(5000);
    isBroken = true;
    // It was taken at the start, and is tried to be prolonged each second from the seventh on.
    await setup.clock.move(14_900);
    expect(a.isLeading()).toBe(true);
    await setup.clock.move(100);
    expect(a.isLeading()).toBe(false);
    expect(faults).toContainEqual(expect.stringContaining('The disk is full.'));
    const { length } = looked;
    await setup.clock.move(60_000);
    expect(looked).toHaveLength(length);
    isBroken = false;
    await setup.clock.move(30_000);
    expect(a.isLeading()).toBe(true);
    expect(looked.length).toBeGreaterThan(length);
  });

  test('an incident that fails or hangs stops no other', async () => {
    must(await setup.incidents.alert(anAlert()));
    const other = must(await setup.incidents.open('till', ann, 'slow'));
    const hangs = must(await setup.incidents.current('shop'))?.id;
    const escalator: IncidentLoopDeps['escalator'] = {
      advance: async (view) => {
        called.push(view);
        const times = called.filter(({ incident }) => incident.id === view.incident.id).length;
        if (view.incident.id !== hangs || times > 1) return view.incident;
        await setup.clock.sleep(110_000);
        throw new Error('the pager broke');
      },
    };
    advance('a', { escalator }).start();
    await setup.clock.move(100_000);
    expect(called.filter(({ incident }) => incident.id === hangs)).toHaveLength(1);
    expect(called.filter(({ incident }) => incident.id === other.id).length).toBeGreaterThan(50);
    await setup.clock.move(20_000);
    expect(faults).toEqual([expect.stringContaining('the pager broke')]);
    await setup.clock.move(20_000);
    expect(called.filter(({ incident }) => incident.id === hangs).length).toBeGreaterThan(1);
  });

  test('a report that Slack refuses is tried again, more and more slowly', async () => {
    must(await setup.incidents.alert(anAlert()));
    const { id = '' } = must(await setup.incidents.current('shop')) ?? {};
    must(await setup.incidents.resolve(id, ann, 'over'));
    const reporter: IncidentLoopDeps['reporter'] = {
      advance: async (incident) => {
        reported.push(incident);
        return incident;
      },
    };
    advance('a', { reporter }).start();
    await setup.clock.move(4 * 60_000);
    expect(reported.length).toBeGreaterThan(5);
    expect(reported.length).toBeLessThan(12);
  });

  test('open items of the checklist are asked for after two days, and not before', async () => {
    must(await setup.incidents.alert(anAlert()));
    const incident = must(await setup.incidents.current('shop'));
    must(await setup.incidents.resolve(incident?.id ?? '', ann, 'over'));
    if (incident === null) throw new Error('not open');
    await write(
      incident,
      { kind: 'incident-reported', sentence: null },
      { reportedAt: incident.openedAt },
    );
    const quiet = { ...defaultIncidentRules, watch: false, checklistAfterMs: 3_600_000 };
    advance('a', { rules: quiet, everyMs: 60_000 }).start();
    await setup.clock.move(3_540_000);
    expect(reported).toEqual([]);
    await setup.clock.move(180_000);
    expect(reported).not.toEqual([]);
  });

  test('what was missed of a request while nobody was there is told', async () => {
    must(await setup.incidents.alert(anAlert()));
    const { id = '' } = must(await setup.incidents.current('shop')) ?? {};
    const request = await buildRequest({ expiresAt: '2026-11-23T09:00:00.000Z' });
    await setup.journal.create(request, { request: request.id, kind: 'proposed', body: {} });
    advance('a').start();
    await setup.clock.move(5000);
    expect(await setup.sentences(id)).toContain(
      '<@UANN> proposed option A: End 2 sessions idle in transaction for over 10 min.',
    );
    expect(shown.at(-1)?.requests).toMatchObject([{ id: request.id }]);
  });

  test('the head of a bundle that was sealed long after the end is told too', async () => {
    must(await setup.incidents.alert(anAlert()));
    const { id = '' } = must(await setup.incidents.current('shop')) ?? {};
    must(await setup.incidents.resolve(id, ann, 'over'));
    advance('a').start();
    await setup.clock.move(3_600_000);
    const { length } = shown;
    const incident = must(await setup.incidents.get(id));
    const sealedAt = new Date(setup.clock.now()).toISOString();
    const parts = { journal: setup.journal, target: shop, policy: defaultPolicy, sealedAt };
    await sealIncident(incident, { ...parts, actor: ann });
    await setup.clock.move(12_000);
    expect(shown).toHaveLength(length + 1);
    expect((await setup.sentences(id)).at(-1)).toContain('bundle was sealed');
  });

  test('after the clock was set back people are called, looks are taken and what ended is reported as before', async () => {
    const open = async (): Promise<void> => {
      must(await setup.incidents.open('till', ann, 'slow'));
    };
    advance('a').start();
    await open();
    await setup.clock.move(20_000);
    setup.clock.set(-3_600_000);
    const before = [called.length, looked.length];
    await setup.clock.move(40_000);
    expect(called.length - (before[0] ?? 0)).toBeGreaterThan(20);
    expect(looked.length - (before[1] ?? 0)).toBeGreaterThan(3);
    must(
      await setup.incidents.resolve(must(await setup.incidents.list())[0]?.id ?? '', ann, 'over'),
    );
    await setup.clock.move(12_000);
    expect(reported).toHaveLength(1);
    setup.clock.set(-3_600_000);
    const [past] = await history();
    if (past === undefined) throw new Error('There is none.');
    await write(past, { kind: 'incident-ticked', sentence: 'Somebody did something.' }, {});
    const { length } = shown;
    await setup.clock.move(12_000);
    expect(shown).toHaveLength(length + 1);
  });

  test('a process that cannot ask the journal tends as long as its lease, to wherever the clock is set', async () => {
    let isBroken = false;
    const log = bindLog(() => {
      if (isBroken) throw new JournalUnavailable('The disk is full. Make room.');
      return false;
    });
    const a = advance('a', { log });
    a.start();
    await setup.clock.move(5000);
    expect(a.isLeading()).toBe(true);
    isBroken = true;
    setup.clock.set(-3_600_000);
    await setup.clock.move(14_000);
    expect(a.isLeading()).toBe(true);
    await setup.clock.move(1000);
    expect(a.isLeading()).toBe(false);
  });

  test('the clock is set back while a target is looked at: the next look comes in time', async () => {
    const runCheck: IncidentLoopDeps['monitor']['runCheck'] = async (target) => {
      looked.push(target);
      if (looked.length === 1) setup.clock.set(-3_600_000);
      return setup.look(used(20), target);
    };
    advance('a', { monitor: { targets: [shop], runCheck } }).start();
    await setup.clock.move(60_000);
    expect(looked.length).toBeGreaterThan(2);
  });

  test('whoever tends again judges nothing by what was seen before the gap', async () => {
    must(await setup.incidents.alert(anAlert()));
    let isLost = false;
    world.set('shop', used(96));
    advance('a', { log: bindLog(() => isLost) }).start();
    await setup.clock.move(20_000);
    expect(called.at(-1)?.diagnosis).not.toBeNull();
    isLost = true;
    await setup.clock.move(3_600_000);
    isLost = false;
    const { length } = called;
    world.set('shop', used(20));
    await setup.clock.move(2000);
    const states = called.slice(length).map(({ diagnosis }) => diagnosis?.state ?? null);
    expect(states.length).toBeGreaterThan(0);
    expect(states).not.toContain('critical');
  });

  test('a silence ends by itself, and a merged incident with the one it became a part of', async () => {
    must(await setup.incidents.alert(anAlert()));
    const part = must(await setup.incidents.current('shop'));
    const other = must(await setup.incidents.open('till', ann, 'slow'));
    must(await setup.incidents.merge(part?.id ?? '', other.id, ann));
    must(await setup.incidents.silence(other.id, ann, { forMs: 60_000, reason: 'known' }));
    advance('a').start();
    await setup.clock.move(62_000);
    expect(must(await setup.incidents.get(other.id))).toMatchObject({ silence: null });
    must(await setup.incidents.resolve(other.id, ann, 'over'));
    await setup.clock.move(3000);
    expect(must(await setup.incidents.get(part?.id ?? ''))).toMatchObject({ state: 'resolved' });
    expect(reported.map(({ id }) => id)).toEqual([other.id]);
  });

  function bindLog(isLost: () => boolean): IncidentLoopDeps['log'] {
    const { journal } = setup;
    return {
      openIncident: (...given) => journal.openIncident(...given),
      readIncident: (id) => journal.readIncident(id),
      listIncidents: (query) => journal.listIncidents(query),
      moveIncident: (...given) => journal.moveIncident(...given),
      readNotes: (...given) => journal.readNotes(...given),
      readRequestsSince: (query) => journal.readRequestsSince(query),
      readTime: () => journal.readTime(),
      takeLead: async (holder) => !isLost() && (await journal.takeLead(holder)),
      endLead: (holder) => journal.endLead(holder),
    };
  }
});
