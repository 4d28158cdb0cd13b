import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { CauseName } from '../../../src/runbook/diagnose/diagnosis.ts';
import type { Incident } from '../../../src/runbook/incidents/incident.ts';
import { defaultIncidentRules } from '../../../src/runbook/incidents/rules.ts';
import { buildRequest } from '../approvals/builders.ts';
import {
  anAlert,
  ended,
  full,
  must,
  openIncidentSetup,
  unreachable,
  used,
} from './incident-setup.ts';
import type { IncidentSetup } from './incident-setup.ts';

describe('what looks make of an incident', () => {
  let setup: IncidentSetup;
  beforeEach(async () => {
    setup = await openIncidentSetup();
  });
  afterEach(() => {
    setup.close();
    if (setup.faults.length > 0) throw new Error(String(setup.faults[0]));
  });

  const open = async (): Promise<Incident> => {
    const fate = must(await setup.incidents.alert(anAlert()));
    if (fate.kind !== 'opened') throw new Error(fate.kind);
    return must(await setup.incidents.get(fate.incident));
  };
  const current = async (): Promise<Incident | null> => must(await setup.incidents.current('shop'));

  test('one critical look opens nothing, critical looks for 30 s do', async () => {
    expect(must(await setup.incidents.observe(setup.look(used(95))))).toBeNull();
    await setup.clock.move(15_000);
    expect(must(await setup.incidents.observe(setup.look(used(95))))).toBeNull();
    await setup.clock.move(15_000);
    const incident = must(await setup.incidents.observe(setup.look(used(96))));
    expect(incident).toMatchObject({
      state: 'open',
      severity: 'critical',
      peak: { used: 96, usable: 97 },
      triggers: [{ kind: 'watch', startsAt: '2026-11-23T03:00:00.000Z' }],
      policy: [{ who: 'database-admins' }],
    });
    const [sentence] = await setup.sentences(incident?.id ?? '');
    expect(sentence).toContain('critical for 30 seconds. 96 of 97 usable connections');
  });

  test('a look that is not critical in between begins the row anew', async () => {
    await setup.looks(used(95), 15_000);
    await setup.clock.move(15_000);
    await setup.looks(used(60), 0);
    await setup.clock.move(15_000);
    expect(await setup.looks(used(95), 15_000)).toBeNull();
  });

  test('looks hours apart are no row', async () => {
    await setup.looks(used(95), 0);
    await setup.clock.move(3_600_000);
    expect(await setup.looks(used(95), 0)).toBeNull();
  });

  test('a server that refuses everybody counts as critical, one that dbconn cannot reach does not', async () => {
    expect(await setup.looks(unreachable(), 120_000)).toBeNull();
    await setup.clock.move(15_000);
    expect(await setup.looks(full(), 30_000)).toMatchObject({ state: 'open', peak: null });
  });

  test('a superuser application alone, which is so on the best of days, opens nothing', async () => {
    const look = setup.look(used(20));
    const finding = {
      id: 'superuser-application',
      severity: 'critical' as const,
      summary: '',
      evidence: [],
    };
    const diagnosis = { ...look.diagnosis, state: 'critical' as const, findings: [finding] };
    must(await setup.incidents.observe({ ...look, diagnosis }));
    await setup.clock.move(40_000);
    const takenAt = new Date(setup.clock.now()).toISOString();
    expect(
      must(await setup.incidents.observe({ ...look, diagnosis: { ...diagnosis, takenAt } })),
    ).toBeNull();
  });

  test('once there is room again, what old log lines point at is no news and no cause', async () => {
    const { id } = await open();
    const see = async (clients: number, cause: CauseName): Promise<Incident | null> => {
      const look = setup.look(used(clients));
      const causes = [{ cause, confidence: 0.9, summary: cause, because: [], against: [] }];
      const diagnosis = { ...look.diagnosis, state: 'warning', causes, verdict: cause } as const;
      await setup.clock.move(15_000);
      return must(await setup.incidents.observe({ ...look, diagnosis }));
    };
    await see(95, 'connection-leak');
    for (let looks = 0; looks < 3; looks += 1) await see(5, 'pool-misconfiguration');
    expect((await current())?.last).toMatchObject({
      capacity: { used: 5 },
      cause: 'connection-leak',
      option: null,
    });
    const told = await setup.sentences(id);
    expect(told.filter((sentence) => sentence.includes('5 of 97 usable'))).toHaveLength(2);
    expect(told.join('\n')).not.toContain('pool-misconfiguration');
  });

  test('what a remedy leaves behind is told, and never becomes the cause', async () => {
    const { id } = await open();
    const see = async (cause: CauseName): Promise<Incident | null> => {
      const look = setup.look(used(95));
      const causes = [{ cause, confidence: 0.95, summary: cause, because: [], against: [] }];
      const diagnosis = { ...look.diagnosis, causes, verdict: `It looks like ${cause}.` };
      await setup.clock.move(15_000);
      return must(await setup.incidents.observe({ ...look, diagnosis }));
    };
    await see('uncommitted-transactions');
    await see('connection-leak');
    expect(await see('connection-leak')).toMatchObject({ last: { cause: 'connection-leak' } });
    const request = await buildRequest({ target: 'shop', state: 'executing' });
    await setup.incidents.requestChanged(request);
    await see('pool-misconfiguration');
    await see('pool-misconfiguration');
    expect((await current())?.last?.cause).toBe('connection-leak');
    expect((await setup.sentences(id)).join('\n')).not.toContain('It looks like pool');
  });

  test('a hundred looks that say the same are written once', async () => {
    await open();
    await setup.looks(used(95), 60_000);
    const incident = await current();
    await setup.looks(used(95), 100 * 15_000);
    expect((await current())?.version).toBe(incident?.version);
  });

  test('a new peak is written, a session more is not', async () => {
    const { id } = await open();
    await setup.looks(used(90), 60_000);
    await setup.looks(used(91), 60_000);
    expect(await current()).toMatchObject({ peak: { used: 90 } });
    await setup.looks(used(96), 15_000);
    expect(await current()).toMatchObject({ peak: { used: 96 } });
    expect((await setup.sentences(id)).filter((line) => line.startsWith('New peak'))).toHaveLength(
      1,
    );
  });

  test('a word that flaps from look to look is not told, one that stays is', async () => {
    await open();
    await setup.looks(used(95), 30_000);
    const before = (await current())?.version;
    for (let turn = 0; turn < 10; turn += 1) {
      await setup.clock.move(15_000);
      await setup.looks(used(turn % 2 === 0 ? 80 : 95), 0);
    }
    expect((await current())?.version).toBe(before);
    await setup.clock.move(15_000);
    await setup.looks(used(80), 30_000);
    expect(await current()).toMatchObject({ last: { state: 'warning' } });
  });

  test('a server that is seen and lost again and again is told twice, and then once it stays so', async () => {
    const { id } = await open();
    await setup.looks(used(95), 30_000);
    const told = (await setup.sentences(id)).length;
    for (let turn = 0; turn < 20; turn += 1) {
      await setup.clock.move(15_000);
      await setup.looks(turn % 2 === 0 ? full() : used(95), 15_000);
    }
    const news = (await setup.sentences(id)).slice(told);
    expect(news.map((sentence) => sentence.includes('refuses'))).toEqual([true, false]);
    await setup.clock.move(15_000);
    await setup.looks(full(), 30_000);
    expect((await setup.sentences(id)).at(-1)).toContain('refuses new connections');
  });

  test('a lost sight is told at once', async () => {
    const { id } = await open();
    await setup.looks(used(95), 30_000);
    await setup.clock.move(15_000);
    await setup.looks(full(), 0);
    expect((await setup.sentences(id)).at(-1)).toContain('refuses new connections');
  });

  test('it ends after two minutes of calm, once Alertmanager says resolved too', async () => {
    const { id } = await open();
    await setup.looks(used(95), 60_000);
    must(await setup.incidents.alert(ended(anAlert())));
    await setup.looks(used(20), 105_000);
    expect(await current()).toMatchObject({ state: 'open' });
    await setup.clock.move(15_000);
    const over = await setup.looks(used(20), 0);
    expect(over).toMatchObject({ id, state: 'resolved', closing: { by: null } });
    expect(over?.triggers.every(({ endedAt }) => endedAt !== null)).toBe(true);
    expect(await current()).toBeNull();
  });

  test('a resolved in the middle of the outage is not believed, and that is said', async () => {
    const { id } = await open();
    await setup.looks(used(97), 60_000);
    must(await setup.incidents.alert(ended(anAlert())));
    expect((await setup.sentences(id)).at(-1)).toMatch(
      /^DatabaseConnectionPoolExhausted is resolved, but the last check is not fine: 97 of 97 .* stays open/,
    );
    expect(await setup.looks(used(97), 30 * 60_000)).toMatchObject({ id, state: 'open' });
  });

  test('an alert that still fires keeps it open, and that is said once', async () => {
    const { id } = await open();
    await setup.looks(used(20), 20 * 60_000);
    expect(await current()).toMatchObject({ id, state: 'open' });
    const said = (await setup.sentences(id)).filter((line) => line.includes('still fires'));
    expect(said).toHaveLength(1);
    const again = await setup.another();
    for (let looks = 0; looks < 20; looks += 1) {
      await setup.clock.move(15_000);
      must(await again.observe(setup.look(used(20))));
    }
    expect((await setup.sentences(id)).filter((line) => line.includes('still fires'))).toHaveLength(
      1,
    );
  });

  test('that an alert still fires is told also where the look brings other news', async () => {
    const quick = await openIncidentSetup({
      rules: { ...defaultIncidentRules, closeAfterMs: 15_000 },
    });
    const fate = must(await quick.incidents.alert(anAlert()));
    await quick.looks(used(95), 30_000);
    await quick.clock.move(15_000);
    await quick.looks(used(20), 60_000);
    const id = 'incident' in fate ? fate.incident : '';
    expect((await quick.sentences(id)).filter((line) => line.includes('still fires'))).toHaveLength(
      1,
    );
    quick.close();
  });

  test('what returns within half an hour is the same incident, and has no owner any more', async () => {
    const first = await setup.looks(used(95), 45_000);
    must(await setup.incidents.assign(first?.id ?? '', { id: 'U1', via: 'slack' }));
    expect(await setup.looks(used(20), 150_000)).toBeNull();
    await setup.clock.move(10 * 60_000);
    const again = await setup.looks(used(95), 30_000);
    expect(again).toMatchObject({
      id: first?.id,
      state: 'open',
      assignee: null,
      closing: null,
      pager: 'none',
      reportedAt: null,
    });
    expect(again?.reopenedAt).toHaveLength(1);
    expect((await setup.sentences(again?.id ?? '')).at(-1)).toMatch(
      /Reopened after 1\d min.*Previous owner: <@U1>/,
    );
  });

  test('what returns later is another one', async () => {
    const first = await setup.looks(used(95), 45_000);
    await setup.looks(used(20), 150_000);
    await setup.clock.move(31 * 60_000);
    expect((await setup.looks(used(95), 30_000))?.id).not.toBe(first?.id);
  });

  test('one opened by hand stays for five calm minutes', async () => {
    const actor = { id: 'U1', via: 'slack' } as const;
    must(await setup.incidents.open('shop', actor, 'logins are slow'));
    expect(await setup.looks(used(20), 285_000)).toMatchObject({ state: 'open' });
    await setup.clock.move(15_000);
    expect(await setup.looks(used(20), 0)).toMatchObject({ state: 'resolved' });
  });

  test('a process that was away does not take its absence for calm', async () => {
    await setup.looks(used(95), 45_000);
    await setup.looks(used(20), 15_000);
    await setup.clock.move(3_600_000);
    const restarted = await setup.another();
    expect(must(await restarted.observe(setup.look(used(20))))).toMatchObject({ state: 'open' });
  });

  test('looks go on after the clock was set back', async () => {
    await setup.looks(used(95), 15_000);
    setup.clock.set(-3_600_000);
    expect(await setup.looks(used(95), 15_000)).toBeNull();
    await setup.clock.move(15_000);
    const incident = await setup.looks(used(95), 0);
    expect(incident).toMatchObject({ state: 'open' });
    must(await setup.incidents.assign(incident?.id ?? '', { id: 'U1', via: 'slack' }));
    setup.clock.set(-3_600_000);
    expect(await setup.looks(used(20), 120_000)).toMatchObject({ state: 'resolved' });
  });

  test('where a pool and not the slots is the trouble, dbconn’s own words say so', async () => {
    const { id } = await open();
    await setup.looks(used(90), 15_000);
    await setup.looks(used(20), 0);
    const findings = [
      { id: 'pool-near-limit', severity: 'critical' as const, summary: '', evidence: [] },
    ];
    const verdict = 'Requests wait for a pool.';
    for (let passedMs = 0; passedMs <= 45_000; passedMs += 15_000) {
      await setup.clock.move(15_000);
      const look = setup.look(used(20));
      const diagnosis = { ...look.diagnosis, state: 'critical' as const, verdict, findings };
      must(await setup.incidents.observe({ ...look, diagnosis }));
    }
    expect(await setup.sentences(id)).toContain(
      `dbconn's own checks are critical too. 20 of 97 usable connections. ${verdict}`,
    );
    must(await setup.incidents.alert(ended(anAlert())));
    expect((await setup.sentences(id)).at(-1)).toContain(`20 of 97 usable connections. ${verdict}`);
  });

  test('a look that saw nothing is not the one by which dbconn joins the alert', async () => {
    await open();
    await setup.looks(used(95), 15_000);
    await setup.clock.move(15_000);
    await setup.looks(unreachable(), 15_000);
    const watch = { kind: 'watch', endedAt: null };
    expect((await current())?.triggers).not.toContainEqual(expect.objectContaining(watch));
    await setup.clock.move(15_000);
    await setup.looks(used(95), 0);
    expect((await current())?.triggers).toContainEqual(expect.objectContaining(watch));
  });

  test('a server that was seen and is out of reach for two minutes is an incident, and ends once it is seen', async () => {
    await setup.looks(used(20), 0);
    await setup.clock.move(15_000);
    await setup.looks(unreachable(), 105_000);
    expect(await current()).toBeNull();
    await setup.clock.move(15_000);
    const opened = await setup.looks(unreachable(), 0);
    const id = opened?.id ?? '';
    expect((await setup.sentences(id)).at(0)).toMatch(
      /^dbconn has not reached PostgreSQL for 2 minutes\./,
    );
    await setup.clock.move(15_000);
    await setup.looks(used(20), 150_000);
    expect(must(await setup.incidents.get(id))).toMatchObject({ state: 'resolved' });
  });

  test('a server that this dbconn never saw is no incident: its address may be wrong', async () => {
    await setup.looks(unreachable(), 300_000);
    expect(await current()).toBeNull();
  });

  test('a look during which dbconn itself stood still blames nobody', async () => {
    await setup.looks(used(20), 0);
    for (let passedMs = 0; passedMs <= 60_000; passedMs += 15_000) {
      await setup.clock.move(15_000);
      const look = setup.look(full());
      const timings = { ...look.diagnosis.timings, database: 9000 };
      must(await setup.incidents.observe({ ...look, diagnosis: { ...look.diagnosis, timings } }));
    }
    expect(await current()).toBeNull();
  });

  test('how long all was fine is told, though it began the day before', async () => {
    const { id } = await open();
    await setup.looks(used(20), 0);
    await setup.clock.move(20_000);
    await setup.looks(used(20), 24 * 3_600_000);
    must(await setup.incidents.alert(ended(anAlert())));
    await setup.clock.move(15_000);
    expect(await setup.looks(used(20), 0)).toMatchObject({ id, state: 'resolved' });
    expect((await setup.sentences(id)).at(-1)).toContain(
      'Every check in the last 24 hours was fine.',
    );
  });

  test('an older look that comes late changes nothing', async () => {
    const late = setup.look(used(20));
    await setup.clock.move(15_000);
    const incident = await setup.looks(used(95), 45_000);
    expect(must(await setup.incidents.observe(late))?.version).toBe(incident?.version);
  });

  test('the evidence of the first trouble and of the end is kept for a replay', async () => {
    const incident = await setup.looks(used(95), 45_000);
    await setup.looks(used(20), 150_000);
    const notes = await setup.journal.readNotes(incident?.id ?? '', 0);
    const kept = notes.filter(({ facts }) => facts !== undefined && 'examination' in facts);
    expect(kept.map(({ facts }) => facts?.['why'])).toEqual(['first', 'end']);
    expect(kept[0]?.facts?.['examination']).toMatchObject({ diagnosis: { state: 'critical' } });
  });
});
