import { afterEach, beforeEach, expect, test } from 'vitest';
import { Escalator } from '../../../src/runbook/escalation/escalator.ts';
import type { Incident } from '../../../src/runbook/incidents/incident.ts';
import { defaultIncidentRules } from '../../../src/runbook/incidents/rules.ts';
import { openSteadyClock } from '../../../src/runbook/incidents/steady-clock.ts';
import { anAlert, ended, must, openWard, used } from './ward.ts';
import type { Ward } from './ward.ts';

/** Somebody sets the clock while an incident is open. Its one step is due after five minutes. */
let ward: Ward;
beforeEach(async () => {
  ward = await openWard();
});
afterEach(() => ward.close());

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
  await ward.journal.takeLead({ id: 'tends', forMs: 20_000 });
}

async function opened(): Promise<Incident> {
  await ward.incidents.alert(anAlert());
  return present();
}

async function present(): Promise<Incident> {
  const [incident] = must(await ward.incidents.history());
  if (incident === undefined) throw new Error('There is no incident.');
  return incident;
}

/** Whether anybody is called, by a process that was started just now. */
async function isCalled(): Promise<boolean> {
  const { journal, clock } = ward;
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
  ward.clock.set(byMs);
  await ward.clock.move(299_000);
  expect(await isCalled()).toBe(false);
  await ward.clock.move(1000);
  expect(await isCalled()).toBe(true);
});

test.for(sets)('a clock set %s makes a silence neither longer nor shorter', async ([, byMs]) => {
  const { id } = await opened();
  must(await ward.incidents.silence(id, ann, { forMs: 600_000, reason: 'maintenance' }));
  ward.clock.set(byMs);
  await ward.clock.move(599_000);
  expect(await isCalled()).toBe(false);
  await ward.clock.move(1000);
  expect(await isCalled()).toBe(true);
});

test.for(sets)(
  'a clock set %s puts the end of an incident neither off nor forward',
  async (set) => {
    const [, byMs] = set;
    await opened();
    must(await ward.incidents.alert(ended(anAlert())));
    await ward.looks(used(20), 60_000);
    ward.clock.set(byMs);
    await ward.clock.move(15_000);
    expect(await ward.looks(used(20), 30_000)).toMatchObject({ state: 'open' });
    await ward.clock.move(15_000);
    expect(await ward.looks(used(20), 0)).toMatchObject({ state: 'resolved' });
    const { openedAt, closing } = await present();
    expect(Date.parse(closing?.at ?? '') - Date.parse(openedAt)).toBe(120_000);
  },
);

test('the wall clock is followed again an hour after the last incident', async () => {
  const { id } = await opened();
  ward.clock.set(-24 * hourMs);
  const clock = await openSteadyClock(ward.journal, ward.clock);
  expect(clock.now()).toBe(ward.clock.now() + 24 * hourMs);
  must(await ward.incidents.resolve(id, ann, 'over'));
  await ward.clock.move(hourMs - 1);
  await tendOnce();
  await clock.agree();
  expect(clock.now()).toBe(ward.clock.now() + 24 * hourMs);
  await ward.clock.move(1);
  await tendOnce();
  await clock.agree();
  expect(clock.now()).toBe(ward.clock.now());
  await ward.incidents.alert(anAlert({ startsAt: '2026-11-23T03:30:00.000Z' }));
  expect(await present()).toMatchObject({ openedAt: new Date(ward.clock.now()).toISOString() });
});
