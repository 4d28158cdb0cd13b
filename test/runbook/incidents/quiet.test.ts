import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { JournalUnavailable } from '../../../src/runbook/approvals/journal.ts';
import { Auditor } from '../../../src/runbook/escalation/auditor.ts';
import { noMeter } from '../../../src/runbook/escalation/ports.ts';
import { changeIncident } from '../../../src/runbook/incidents/change.ts';
import type { Incident } from '../../../src/runbook/incidents/incident.ts';
import { defaultIncidentRules } from '../../../src/runbook/incidents/rules.ts';
import { createSteadyClock } from '../../../src/runbook/incidents/steady-clock.ts';
import type { IncidentLoopDeps } from '../../../src/runbook/loop/advance-incident.ts';
import { IncidentLoop } from '../../../src/runbook/loop/incident-loop.ts';
import { ann } from '../approvals/builders.ts';
import { anAlert, must, openIncidentSetup, shop, used } from './incident-setup.ts';
import type { IncidentSetup } from './incident-setup.ts';

const minuteMs = 60_000;
const leaseMs = 20_000;
const unwatched = { ...defaultIncidentRules, watch: false };

describe('quiet at rest', () => {
  let setup: IncidentSetup;
  let file: DatabaseSync;
  let loops: IncidentLoop[];
  let auditors: Auditor[];
  let called: string[];
  let shown: string[];
  beforeEach(async () => {
    setup = await openIncidentSetup();
    file = new DatabaseSync(setup.folder.file, { readOnly: true });
    [loops, auditors, called, shown] = [[], [], [], []];
  });
  afterEach(async () => {
    const stopped = Promise.all(loops.map((one) => one.stop()));
    await setup.clock.move(leaseMs);
    await stopped;
    file.close();
    setup.close();
  });

  /** What one process does each second and every ten, on a journal of its own connection. */
  async function start(id: string, change: Partial<IncidentLoopDeps> = {}): Promise<IncidentLoop> {
    const { clock } = setup;
    const log = await setup.folder.open({ clock });
    const loop = new IncidentLoop({
      incidents: setup.incidents,
      log,
      monitor: { targets: [shop], runCheck: async () => setup.look(used(20)) },
      board: {
        show: (view) => void shown.push(id, view.incident.state),
        report: () => Promise.resolve(),
        ask: () => Promise.resolve(),
        doubt: () => undefined,
        placeOf: () => Promise.resolve(undefined),
        idle: () => Promise.resolve(),
      },
      escalator: {
        advance: async (view) => {
          called.push(id);
          return view.incident;
        },
      },
      reporter: { advance: (incident) => report(incident) },
      rules: defaultIncidentRules,
      clock: createSteadyClock(log, clock),
      meter: noMeter,
      holder: { id, forMs: leaseMs },
      onFault: () => undefined,
      ...change,
    });
    const auditor = new Auditor({
      log,
      clock,
      rules: defaultIncidentRules,
      announcements: { announce: () => Promise.resolve() },
      meter: noMeter,
      channel: undefined,
      targets: [],
      holderId: `auditor of ${id}`,
      onFault: () => undefined,
    });
    loop.start();
    loops.push(loop);
    auditors.push(auditor);
    return loop;
  }
  async function report(incident: Incident): Promise<Incident> {
    if (incident.reportedAt !== null) return incident;
    const reportedAt = new Date(setup.clock.now()).toISOString();
    const note = { kind: 'incident-reported', sentence: null } as const;
    const decide = () => ({ state: 'resolved', change: { reportedAt }, note }) as const;
    return must(await changeIncident({ log: setup.journal }, incident.id, decide));
  }

  function version(): unknown {
    return file.prepare('PRAGMA data_version').get()?.['data_version'];
  }

  /** In how many seconds of that time something was written that another connection to the file sees. */
  async function writesIn(ms: number): Promise<number> {
    let writes = 0;
    let before = version();
    for (let passedMs = 0; passedMs < ms; passedMs += 1000) {
      if (passedMs % 10_000 === 0) await Promise.all(auditors.map((one) => one.audit()));
      await setup.clock.move(1000);
      const now = version();
      if (now !== before) writes += 1;
      before = now;
    }
    return writes;
  }

  async function openAndClose(): Promise<Incident> {
    must(await setup.incidents.alert(anAlert()));
    const { id = '' } = must(await setup.incidents.current('shop')) ?? {};
    await setup.clock.move(5000);
    return must(await setup.incidents.resolve(id, ann, 'over'));
  }

  test('an idle bot with one target writes its journal at most ten times a minute', async () => {
    await start('a');
    await setup.clock.move(minuteMs);
    const writes = await writesIn(2 * minuteMs);
    expect(writes).toBeGreaterThan(0);
    expect(writes).toBeLessThanOrEqual(20);
  });

  test('a second idle bot on the same journal adds no write', async () => {
    await start('a');
    await start('b');
    await setup.clock.move(minuteMs);
    expect(await writesIn(2 * minuteMs)).toBeLessThanOrEqual(20);
  });

  test('an open incident in which nothing happens adds no write', async () => {
    must(await setup.incidents.alert(anAlert()));
    await start('a', {
      rules: unwatched,
      monitor: { targets: [], runCheck: () => Promise.reject() },
    });
    await setup.clock.move(minuteMs);
    expect(await writesIn(2 * minuteMs)).toBeLessThanOrEqual(20);
  });

  test('where nothing is watched, open or due nothing is written at all', async () => {
    const [a, b] = [await start('a', { rules: unwatched }), await start('b', { rules: unwatched })];
    await setup.clock.move(5000);
    expect(await writesIn(2 * minuteMs)).toBe(0);
    expect([a.isLeading(), b.isLeading()]).toEqual([false, false]);
  });

  test('an alert brings a leader at once, a quarter of an hour after its incident nobody leads', async () => {
    const a = await start('a', { rules: unwatched });
    await setup.clock.move(5000);
    must(await setup.incidents.alert(anAlert()));
    a.wake();
    await setup.clock.move(200);
    expect(a.isLeading()).toBe(true);
    expect(called).toContain('a');
    await openAndClose();
    await setup.clock.move(15 * minuteMs);
    expect(a.isLeading()).toBe(true);
    await setup.clock.move(minuteMs);
    expect(a.isLeading()).toBe(false);
    expect(await writesIn(2 * minuteMs)).toBe(0);
  });

  test('what somebody does to an old incident is shown, and then nobody leads again', async () => {
    const rules = unwatched;
    const [a, b] = [await start('a', { rules }), await start('b', { rules })];
    const { id } = await openAndClose();
    await setup.clock.move(20 * minuteMs);
    shown = [];
    must(await setup.incidents.tick(id, ann, 'pooler'));
    await setup.clock.move(15_000);
    expect(shown).toHaveLength(2);
    await setup.clock.move(minuteMs);
    expect([a.isLeading(), b.isLeading()]).toEqual([false, false]);
    expect(await writesIn(2 * minuteMs)).toBe(0);
  });

  test('a report that is still due keeps a leader', async () => {
    const { id } = await openAndClose();
    const reporter: IncidentLoopDeps['reporter'] = {
      advance: (incident) => Promise.resolve(incident),
    };
    const a = await start('a', { rules: unwatched, reporter });
    await setup.clock.move(60 * minuteMs);
    expect(a.isLeading()).toBe(true);
    expect(must(await setup.incidents.get(id))).toMatchObject({ reportedAt: null });
  });

  test('another bot leads within the lease of one that is gone without a word', async () => {
    let isGone = false;
    const { journal } = setup;
    const takeLead: IncidentSetup['journal']['takeLead'] = async (holder) => {
      if (isGone) throw new JournalUnavailable('It is gone.');
      return journal.takeLead(holder);
    };
    await start('a', { log: logWith({ takeLead }) });
    await setup.clock.move(1000);
    const b = await start('b');
    await setup.clock.move(30_000);
    isGone = true;
    await setup.clock.move(leaseMs + 1000);
    expect(b.isLeading()).toBe(true);
  });

  test('a bot that was frozen for longer than its lease calls nobody any more', async () => {
    must(await setup.incidents.alert(anAlert()));
    let thaw: () => void = () => undefined;
    let frozen: Promise<void> | undefined;
    const { journal } = setup;
    const listIncidents: IncidentSetup['journal']['listIncidents'] = async (query) => {
      await frozen;
      return journal.listIncidents(query);
    };
    const a = await start('a', { log: logWith({ listIncidents }) });
    await setup.clock.move(1000);
    const b = await start('b');
    await setup.clock.move(30_000);
    expect([a.isLeading(), b.isLeading()]).toEqual([true, false]);
    frozen = new Promise((resolve) => (thaw = resolve));
    // Not a moment in which both think that they lead.
    for (let seconds = 0; seconds < 25; seconds += 1) {
      await setup.clock.move(1000);
      expect([a.isLeading(), b.isLeading()]).not.toEqual([true, true]);
    }
    expect([a.isLeading(), b.isLeading()]).toEqual([false, true]);
    called = [];
    thaw();
    await setup.clock.move(30_000);
    expect(new Set(called)).toEqual(new Set(['b']));
  });

  function logWith(change: Partial<IncidentLoopDeps['log']>): IncidentLoopDeps['log'] {
    const { journal } = setup;
    return {
      openIncident: (...given) => journal.openIncident(...given),
      readIncident: (id) => journal.readIncident(id),
      listIncidents: (query) => journal.listIncidents(query),
      moveIncident: (...given) => journal.moveIncident(...given),
      readNotes: (...given) => journal.readNotes(...given),
      readRequestsSince: (query) => journal.readRequestsSince(query),
      readTime: () => journal.readTime(),
      takeLead: (holder) => journal.takeLead(holder),
      endLead: (holder) => journal.endLead(holder),
      ...change,
    };
  }
});
