import { array, assert, asyncProperty, constantFrom } from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Alert } from '../../../src/runbook/incidents/alert.ts';
import type { IncidentDeps } from '../../../src/runbook/incidents/incident-log.ts';
import type { Incident } from '../../../src/runbook/incidents/incident.ts';
import { placeAlert } from '../../../src/runbook/incidents/alert.ts';
import { until } from '../../support/until.ts';
import { aService, aTarget } from '../diagnose/builders.ts';
import { anAlert, ended, must, openIncidentSetup, unreachable, used } from './incident-setup.ts';
import type { IncidentSetup } from './incident-setup.ts';

describe('which target an alert is about', () => {
  const orders = aTarget({
    name: 'orders',
    composeProject: 'stack',
    postgresService: 'postgres',
    services: [aService({ name: 'backend' })],
  });
  const billing = aTarget({ name: 'billing', services: [aService({ name: 'invoices' })] });
  const place = (labels: Record<string, string>, targets = [orders, billing]): string | undefined =>
    placeAlert(labels, targets)?.name;

  test('the labels configured for it come first, and all of them have to hold', () => {
    const mapped = { ...billing, alertLabels: [{ instance: 'a:1', job: 'pg' }] };
    expect(place({ instance: 'a:1', job: 'pg', compose_project: 'stack' }, [orders, mapped])).toBe(
      'billing',
    );
    expect(place({ instance: 'a:1', compose_project: 'stack' }, [orders, mapped])).toBe('orders');
  });

  test.each([
    { compose_project: 'stack', compose_service: 'backend' },
    { com_docker_compose_project: 'stack' },
    { container_label_com_docker_compose_project: 'stack' },
  ])('compose labels name it: %o', (labels) => expect(place(labels)).toBe('orders'));

  test('two databases of one project are told apart by the service', () => {
    const other = { ...orders, name: 'reports', postgresService: 'reports-db', services: [] };
    const labels = { compose_project: 'stack' };
    expect(place({ ...labels, compose_service: 'reports-db' }, [orders, other])).toBe('reports');
    expect(place(labels, [orders, other])).toBeUndefined();
  });

  test('projects of one name on two engines are told apart by what else the labels name', () => {
    const there = { ...orders, name: 'orders-eu', engine: { context: 'eu' } };
    const labels = { compose_project: 'stack', compose_service: 'backend' };
    expect(place({ ...labels, instance: 'orders-eu:9187' }, [orders, there])).toBe('orders-eu');
    expect(place(labels, [orders, there])).toBeUndefined();
  });

  test('a project that no target has is not taken for one by a service of the same name', () => {
    expect(
      place({ compose_project: 'other', compose_service: 'backend', service: 'backend' }),
    ).toBeUndefined();
  });

  test.each([
    [{ service: 'invoices' }, 'billing'],
    [{ job: 'billing' }, 'billing'],
    [{ instance: 'orders:9187' }, 'orders'],
    [{ server: 'postgres:5432' }, 'orders'],
    [{ instance: '10.0.0.5:9187', job: 'postgres-exporter' }, undefined],
    [{ job: 'billing', service: 'orders' }, undefined],
    [{}, undefined],
  ])('names place it, unless none or several fit: %o', (labels, name) => {
    expect(place({ ...labels })).toBe(name);
  });

  test('without any telling label it is the only target, if there is only one', () => {
    expect(place({ severity: 'critical' }, [billing])).toBe('billing');
    expect(place({ instance: '10.0.0.5:9187' }, [billing])).toBeUndefined();
  });
});

describe('alerts', () => {
  let setup: IncidentSetup;
  beforeEach(async () => {
    setup = await openIncidentSetup();
  });
  afterEach(() => setup.close());

  const told = async (alert: Alert): Promise<string> =>
    must(await setup.incidents.alert(alert)).kind;
  const current = async (target = 'shop'): Promise<Incident | null> =>
    must(await setup.incidents.current(target));

  test('the same firing told again and again is one incident that does not change', async () => {
    expect(await told(anAlert())).toBe('opened');
    const incident = await current();
    for (let times = 0; times < 200; times += 1) expect(await told(anAlert())).toBe('known');
    expect(await current()).toEqual(incident);
    expect(incident).toMatchObject({ severity: 'critical', policy: [{ who: 'database-admins' }] });
  });

  test('another alert joins, and its end is its own', async () => {
    await told(anAlert());
    const pool = anAlert({
      name: 'SQLAlchemyPoolExhausted',
      fingerprint: 'f2',
      labels: { compose_project: 'stack' },
    });
    expect(await told(pool)).toBe('joined');
    expect(await told(ended(pool))).toBe('joined');
    expect((await current())?.triggers.map((trigger) => trigger.endedAt)).toEqual([
      null,
      '2026-11-23T03:10:00.000Z',
    ]);
  });

  test('the severity is the label, else the rule for that alert', async () => {
    const pool = { name: 'SQLAlchemyPoolExhausted', fingerprint: 'f2' };
    await told(anAlert({ ...pool, labels: { compose_project: 'stack', severity: 'odd' } }));
    expect(await current()).toMatchObject({ severity: 'warning' });
    await told(anAlert());
    expect(await current()).toMatchObject({ severity: 'critical' });
  });

  test.each(['the newer firing told first', 'the older firing told first'])(
    'a firing whose end was never told ends with the next one of its fingerprint, with %s',
    async (order) => {
      const first = anAlert();
      const again = anAlert({ startsAt: '2026-11-23T03:04:00.000Z' });
      const firings = order.startsWith('the older') ? [first, again] : [again, first];
      for (const firing of firings) await told(firing);
      expect((await current())?.triggers).toMatchObject([
        { startsAt: first.startsAt, endedAt: again.startsAt },
        { startsAt: again.startsAt, endedAt: null },
      ]);
      await told(ended(again));
      await setup.looks(used(20), 150_000);
      expect(await current()).toBeNull();
    },
  );

  test('the end of a firing that was never told ends the firing before it as well', async () => {
    await told(anAlert());
    await told(ended(anAlert({ startsAt: '2026-11-23T03:04:00.000Z' })));
    await setup.looks(used(20), 150_000);
    expect(await current()).toBeNull();
  });

  test('a name nobody minds, and an end without a beginning, are ignored', async () => {
    expect(await told(anAlert({ name: 'DiskFull' }))).toBe('ignored');
    expect(await told(ended(anAlert()))).toBe('ignored');
    expect(await current()).toBeNull();
  });

  test('a firing whose end was told first opens nothing, in whichever process, and the next one does', async () => {
    expect(await told(ended(anAlert()))).toBe('ignored');
    expect(await told(ended(anAlert()))).toBe('ignored');
    const another = await setup.another();
    expect(must(await another.alert(anAlert())).kind).toBe('ignored');
    expect(await current()).toBeNull();
    const ends = (await setup.journal.entries()).filter(({ kind }) => kind.endsWith('alert-ended'));
    expect(ends).toHaveLength(1);
    expect((await setup.journal.verify()).ok).toBe(true);
    expect(await told(anAlert({ startsAt: '2026-11-23T03:20:00.000Z' }))).toBe('opened');
  });

  test('an end that is told while another process opens the incident ends the firing there', async () => {
    const { journal } = setup;
    const log: IncidentDeps['log'] = {
      readIncident: (id) => journal.readIncident(id),
      listIncidents: (query) => journal.listIncidents(query),
      moveIncident: (...given) => journal.moveIncident(...given),
      readNotes: (...given) => journal.readNotes(...given),
      readRequestsSince: (query) => journal.readRequestsSince(query),
      record: (draft) => journal.record(draft),
      readTime: () => journal.readTime(),
      takeLead: (holder) => journal.takeLead(holder),
      endLead: (holder) => journal.endLead(holder),
      async openIncident(...given) {
        expect(await told(ended(anAlert()))).toBe('ignored');
        return journal.openIncident(...given);
      },
    };
    const another = await setup.another({ log });
    must(await another.alert(anAlert()));
    expect((await current())?.triggers).toMatchObject([
      { endedAt: new Date(setup.clock.now()).toISOString() },
    ]);
    await setup.looks(used(20), 150_000);
    expect(await current()).toBeNull();
  });

  test.each([0, 1, 2, 3, 4, 5, 6, 7, 8])(
    'a beginning and an end told at once by two processes, %i turns apart, leave no alert that fires for ever',
    async (turns) => {
      const another = await setup.another();
      const end = (async () => {
        for (let turn = 0; turn < turns; turn += 1) await Promise.resolve();
        return another.alert(ended(anAlert()));
      })();
      must(await setup.incidents.alert(anAlert()));
      must(await end);
      await setup.looks(used(20), 150_000);
      expect(await current()).toBeNull();
    },
  );

  test('a firing that somebody closed by hand does not come back by being repeated', async () => {
    await told(anAlert());
    const { id = '' } = (await current()) ?? {};
    must(await setup.incidents.resolve(id, { id: 'U1', via: 'slack' }, 'a false alarm'));
    await setup.clock.move(3_600_000 * 4);
    expect(await told(anAlert())).toBe('known');
    expect(await told(ended(anAlert()))).toBe('joined');
    expect(await current()).toBeNull();
    expect(await told(anAlert({ startsAt: '2026-11-23T07:30:00.000Z' }))).toBe('opened');
    expect((await current())?.id).not.toBe(id);
  });

  test('a new firing soon after the end takes up the same incident', async () => {
    await told(anAlert());
    const first = await current();
    await told(ended(anAlert()));
    await setup.looks(used(20), 150_000);
    expect(await current()).toBeNull();
    expect(await told(anAlert({ startsAt: '2026-11-23T03:04:00.000Z' }))).toBe('opened');
    expect(await current()).toMatchObject({ id: first?.id, reopenedAt: [expect.any(String)] });
  });

  test('an alert on a target whose incident was merged goes where that went', async () => {
    const onTill = anAlert({ fingerprint: 'f3', labels: { compose_project: 'till' } });
    await told(anAlert());
    await told(onTill);
    const [here, there] = [await current(), await current('till')];
    must(await setup.incidents.merge(there?.id ?? '', here?.id ?? '', { id: 'U1', via: 'slack' }));
    const again = { ...onTill, startsAt: '2026-11-23T03:05:00.000Z' };
    expect(must(await setup.incidents.alert(again))).toEqual({
      kind: 'joined',
      incident: here?.id,
    });
    expect(must(await setup.incidents.alert(onTill))).toEqual({
      kind: 'known',
      incident: here?.id,
    });
    expect((await current('till'))?.id).toBe(here?.id);
  });

  test('an alert that fits no target is told once a day, by whichever process, and its labels as a quotation', async () => {
    const lost = anAlert({ labels: { instance: '*<!channel>* 10.0.0.9:9187' } });
    expect(await told(lost)).toBe('unplaced');
    await until('it is told', async () => setup.announced.length === 1);
    expect(setup.announced[0]).toMatchObject({ to: 'C1', mention: null });
    expect(setup.announced[0]?.headline).not.toContain('channel');
    expect(setup.announced[0]?.quote).toContain('10.0.0.9:9187');
    const marked = async (): Promise<boolean> =>
      (await setup.journal.entries()).some(({ kind }) => kind === 'incident-unplaced');
    await until('it is marked', marked);
    const another = await setup.another();
    must(await another.alert(lost));
    must(await setup.incidents.alert(ended(lost)));
    await setup.clock.move(86_400_001);
    expect(setup.announced).toHaveLength(1);
    must(await another.alert(lost));
    await until('it is told again', async () => setup.announced.length === 2);
    expect((await setup.journal.verify()).ok).toBe(true);
  });

  test('however many new alerts fit no target, the channel has one message, edited with their number', async () => {
    const names = ['DatabaseConnectionPoolExhausted', 'SQLAlchemyPoolExhausted'];
    const lost = (index: number): Alert =>
      anAlert({
        name: names[index % 3 === 0 ? 1 : 0] ?? '',
        fingerprint: `lost-${index}`,
        labels: { instance: `10.0.0.${index}:9187` },
      });
    const marks = async (): Promise<number> =>
      (await setup.journal.entries()).filter(({ kind }) => kind === 'incident-unplaced').length;
    await told(lost(1));
    await until('it is told', async () => setup.announced.length === 1);
    await until('it is marked', async () => (await marks()) === 1);
    for (let index = 2; index <= 300; index += 1) expect(await told(lost(index))).toBe('unplaced');
    expect(setup.announced).toHaveLength(1);
    await setup.clock.move(10_000);
    await until('it is edited', async () => setup.announced.length === 2);
    await until('it is marked', async () => (await marks()) === 2);
    expect(setup.announced[1]).toMatchObject({ to: 'C1', thread: '1' });
    expect(setup.announced[1]?.headline).toBe(
      '300 alerts match no target, so no incident was opened: DatabaseConnectionPoolExhausted (200), SQLAlchemyPoolExhausted (100). Add their labels to a target’s alertLabels in dbconn.yml.',
    );
    // Another process, or this one after a restart, goes on with the same message and never counts down.
    const another = await setup.another();
    must(await another.alert(lost(301)));
    must(await another.alert(lost(302)));
    await setup.clock.move(10_000);
    expect(setup.announced).toHaveLength(2);
    expect(await marks()).toBe(2);
  });

  test('fifty alerts are kept, and of more the oldest that ended is forgotten', async () => {
    for (let index = 0; index < 60; index += 1) {
      const minute = String(index).padStart(2, '0');
      const alert = anAlert({ startsAt: `2026-11-23T02:${minute}:00.000Z` });
      await told(alert);
      await told(ended(alert));
    }
    const incident = await current();
    expect(incident?.triggers).toHaveLength(50);
    expect(incident?.triggers[0]).toMatchObject({ startsAt: '2026-11-23T02:10:00.000Z' });
  });
});

describe('whatever the order', () => {
  const firings = [0, 1, 2].map((index) =>
    anAlert({ fingerprint: `f${index}`, startsAt: `2026-11-23T02:5${index}:00.000Z` }),
  );
  const tellings = firings.flatMap((alert) => [alert, ended(alert)]);
  const story = array(constantFrom(...tellings), { maxLength: 20 });

  test('alerts told in any order and any number of times make the same incident', async () => {
    await assert(
      asyncProperty(story, async (more) => {
        const first = anAlert({ fingerprint: 'f9' });
        // Everything is told at least once; an end may come before its beginning.
        const order = [first, ...more, ...tellings];
        const [a, b] = [await tell(order), await tell([first, ...tellings.toReversed()])];
        expect(a).toEqual(b);
      }),
      { numRuns: 15 },
    );
  });

  test('however many begin at once, in several processes, there is one open incident', async () => {
    const setup = await openIncidentSetup();
    const others = await Promise.all([1, 2, 3].map(() => setup.another()));
    const begun = await Promise.all(
      others.flatMap((incidents, process) => [
        ...firings.map((alert) => incidents.alert(alert)),
        incidents.open('shop', { id: `U${process}`, via: 'slack' }, 'it is slow'),
      ]),
    );
    expect(begun.every(({ ok }) => ok)).toBe(true);
    const open = must(await setup.incidents.list());
    expect(open).toHaveLength(1);
    expect(open[0]?.triggers.filter(({ kind }) => kind === 'alert')).toHaveLength(3);
    expect(open[0]?.triggers.filter(({ kind }) => kind === 'person')).toHaveLength(3);
    setup.close();
  });

  test('looks never end an incident while one of them did not see the server', async () => {
    const look = constantFrom('calm', 'unseen', 'full', 'busy');
    await assert(
      asyncProperty(array(look, { maxLength: 30 }), async (looks) => {
        const setup = await openIncidentSetup();
        must(await setup.incidents.alert(anAlert()));
        must(await setup.incidents.alert(ended(anAlert())));
        let calmSinceMs: number | null = null;
        for (const kind of looks) {
          const snapshot = {
            calm: used(20),
            unseen: unreachable(),
            full: used(97),
            busy: used(82),
          }[kind];
          const incident = must(await setup.incidents.observe(setup.look(snapshot)));
          calmSinceMs = kind === 'calm' ? (calmSinceMs ?? setup.clock.now()) : null;
          const isDue = calmSinceMs !== null && setup.clock.now() - calmSinceMs >= 120_000;
          expect(incident?.state).toBe(isDue ? 'resolved' : 'open');
          if (isDue) break;
          await setup.clock.move(15_000);
        }
        setup.close();
      }),
      { numRuns: 25 },
    );
  });

  async function tell(alerts: readonly Alert[]): Promise<Incident['triggers']> {
    const setup = await openIncidentSetup();
    for (const alert of alerts) must(await setup.incidents.alert(alert));
    const [incident, ...others] = must(await setup.incidents.history());
    setup.close();
    expect(others).toEqual([]);
    return incident?.triggers ?? [];
  }
});
