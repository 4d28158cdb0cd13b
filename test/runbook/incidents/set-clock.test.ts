import { afterEach, beforeEach, expect, test } from 'vitest';
import { Escalator } from '../../../src/runbook/escalation/escalator.ts';
import type { Incident } from '../../../src/runbook/incidents/incident.ts';
import { defaultIncidentRules } from '../../../src/runbook/incidents/rules.ts';
import { openSteadyClock } from '../../../src/runbook/incidents/steady-clock.ts';
import { anAlert, ended, must, openIncidentSetup, used } from './incident-setup.ts';
import type { IncidentSetup } from './incident-setup.ts';

/** Somebody sets the clock while an incident is open. Its one step is due after five minutes. */
let setup: IncidentSetup;
beforeEach(async () => {
  setup = await openIncidentSetup();
});
afterEach(() => setup.close());

const hourMs = 3_600_000;
const sets = [
  ['back by a day', -24 * hourMs],
  ['back by a minute', -60_000],
  ['ahead by a minute', 60_000],
  ['ahead by a day', 24 * hourMs],
] as const;
const ann = { id: 'UANN', via: 'slack' } as const;

/** As whoever tends the incidents does each second. */
async function tendOnce(): Promise<void> {
  await setup.journal.takeLead({ id: 'tends', forMs: 20_000 });
}

async function opened(): Promise<Incident> {
  await setup.incidents.alert(anAlert());
  return present();
}

async function present(): Promise<Incident> {
  const [incident] = must(await setup.incidents.history());
  if (incident === undefined) throw new Error('There is no incident.');
  return incident;
}

/** Whether anybody is called, by a process that was started just now. */
async function isCalled(): Promise<boolean> {
  const { journal, clock } = setup;
  let called = false;
  const escalator = new Escalator({
    log: journal,
    clock: await openSteadyClock(journal, clock),
    announcements: { announce: () => Promise.resolve(void (called = true)) },
    board: { ask: () => Promise.resolve(), placeOf: () => Promise.resolve(undefined) },
    rules: defaultIncidentRules,
    meter: { escalation: () => undefined },
    channel: 'C1',
    targets: [{ name: 'shop', contacts: { databaseAdmins: 'SDBA' }, links: { guides: [] } }],
    pagerOf: () => undefined,
    onFault: (_about, error) => {
      throw error;
    },
  });
  await escalator.advance({
    incident: await present(),
    diagnosis: null,
    requests: [],
    ineffective: [],
  });
  return called;
}

test.for(sets)('a clock set %s makes no call late, and none early', async ([, byMs]) => {
  await opened();
  setup.clock.set(byMs);
  await setup.clock.move(299_000);
  expect(await isCalled()).toBe(false);
  await setup.clock.move(1000);
  expect(await isCalled()).toBe(true);
});

test.for(sets)('a clock set %s makes a silence neither longer nor shorter', async ([, byMs]) => {
  const { id } = await opened();
  must(await setup.incidents.silence(id, ann, { forMs: 600_000, reason: 'maintenance' }));
  setup.clock.set(byMs);
  await setup.clock.move(599_000);
  expect(await isCalled()).toBe(false);
  await setup.clock.move(1000);
  expect(await isCalled()).toBe(true);
});

test.for(sets)(
  'a clock set %s puts the end of an incident neither off nor forward',
  async (set) => {
    const [, byMs] = set;
    await opened();
    must(await setup.incidents.alert(ended(anAlert())));
    await setup.looks(used(20), 60_000);
    setup.clock.set(byMs);
    await setup.clock.move(15_000);
    expect(await setup.looks(used(20), 30_000)).toMatchObject({ state: 'open' });
    await setup.clock.move(15_000);
    expect(await setup.looks(used(20), 0)).toMatchObject({ state: 'resolved' });
    const { openedAt, closing } = await present();
    expect(Date.parse(closing?.at ?? '') - Date.parse(openedAt)).toBe(120_000);
  },
);

test('the wall clock is followed again an hour after the last incident', async () => {
  const { id } = await opened();
  setup.clock.set(-24 * hourMs);
  const clock = await openSteadyClock(setup.journal, setup.clock);
  expect(clock.now()).toBe(setup.clock.now() + 24 * hourMs);
  must(await setup.incidents.resolve(id, ann, 'over'));
  await setup.clock.move(hourMs - 1);
  await tendOnce();
  await clock.agree();
  expect(clock.now()).toBe(setup.clock.now() + 24 * hourMs);
  await setup.clock.move(1);
  await tendOnce();
  await clock.agree();
  expect(clock.now()).toBe(setup.clock.now());
  await setup.incidents.alert(anAlert({ startsAt: '2026-11-23T03:30:00.000Z' }));
  expect(await present()).toMatchObject({ openedAt: new Date(setup.clock.now()).toISOString() });
});
