import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Incident } from '../../../src/runbook/incidents/incident.ts';
import type { Actor } from '../../../src/runbook/approvals/request.ts';
import type { Answer } from '../../../src/runbook/remedies/remedy.ts';
import { changeIncident } from '../../../src/runbook/incidents/change.ts';
import { endSilence } from '../../../src/runbook/incidents/decisions.ts';
import { followMerged } from '../../../src/runbook/incidents/find-and-merge.ts';
import { HandPeople } from '../../support/people.ts';
import { anAlert, ended, must, openIncidentSetup, unreachable, used } from './incident-setup.ts';
import type { IncidentSetup } from './incident-setup.ts';

const ann: Actor = { id: 'UANN', via: 'slack' };
const bob: Actor = { id: 'UBOB', via: 'slack' };
const guest: Actor = { id: 'UGUEST', via: 'slack' };
const terminal: Actor = { id: 'jonas', via: 'terminal' };

describe('what people do with an incident', () => {
  let setup: IncidentSetup;
  let people: HandPeople;
  let incident: Incident;
  beforeEach(async () => {
    people = new HandPeople();
    people.standings.set(guest.id, 'guest');
    setup = await openIncidentSetup({ people });
    must(await setup.incidents.alert(anAlert()));
    const open = must(await setup.incidents.current('shop'));
    if (open === null) throw new Error('not open');
    incident = open;
  });
  afterEach(() => setup.close());

  const sentence = async (): Promise<string | undefined> =>
    (await setup.sentences(incident.id)).at(-1);
  const kind = (answer: Answer<unknown>): string => (answer.ok ? 'ok' : answer.refusal.kind);

  type Act = (actor: Actor) => Promise<Answer<unknown>>;
  const acts: Record<string, Act> = {
    assign: (actor) => setup.incidents.assign(incident.id, actor),
    silence: (actor) =>
      setup.incidents.silence(incident.id, actor, { forMs: 3_600_000, reason: 'known' }),
    unsilence: (actor) => setup.incidents.unsilence(incident.id, actor),
    merge: (actor) => setup.incidents.merge(incident.id, 'inc-other12', actor),
    resolve: (actor) => setup.incidents.resolve(incident.id, actor, 'done'),
    reopen: (actor) => setup.incidents.reopen(incident.id, actor, 'again'),
    tick: (actor) => setup.incidents.tick(incident.id, actor, 'pool-sizes'),
  };
  const lookers = { 'a guest': guest, 'the terminal': terminal };
  const refusals = { 'a guest': 'not-a-member', 'the terminal': 'terminal' };

  test.each(
    Object.keys(acts).flatMap((act) =>
      (['a guest', 'the terminal'] as const).map((who) => [act, who] as const),
    ),
  )('%s is refused to %s, and nothing changes', async (act, who) => {
    const answer = await acts[act]?.(lookers[who]);
    if (answer === undefined) throw new Error(act);
    expect(kind(answer)).toBe(refusals[who]);
    expect(must(await setup.incidents.get(incident.id))).toEqual(incident);
  });

  test('whoever cannot be looked up may only look, open and call', async () => {
    people.outage = 'Slack does not answer.';
    expect(
      kind(await setup.incidents.silence(incident.id, ann, { forMs: 1000, reason: 'x' })),
    ).toBe('not-looked-up');
    must(await setup.incidents.escalate(incident.id, ann, { role: 'on-call', reason: 'help' }));
    must(await setup.incidents.open('till', terminal, 'logins hang'));
    must(await setup.incidents.get(incident.id));
  });

  test('somebody else can take over from the owner, which is said', async () => {
    must(await setup.incidents.assign(incident.id, ann));
    expect(await sentence()).toBe('<@UANN> acknowledged it.');
    const version = must(await setup.incidents.assign(incident.id, ann)).version;
    expect(must(await setup.incidents.assign(incident.id, bob))).toMatchObject({
      version: version + 1,
      assignee: { by: bob },
    });
    expect(await sentence()).toBe('<@UBOB> took over from <@UANN>.');
  });

  test('a silence needs a reason and an end, and ends once by itself', async () => {
    const { incidents } = setup;
    expect(kind(await incidents.silence(incident.id, ann, { forMs: 1000, reason: ' ' }))).toBe(
      'reason-missing',
    );
    for (const forMs of [0, -1, Number.NaN, 8 * 86_400_000]) {
      expect(kind(await incidents.silence(incident.id, ann, { forMs, reason: 'x' }))).toBe(
        'too-long',
      );
    }
    must(await incidents.silence(incident.id, ann, { forMs: 7_200_000, reason: 'load test' }));
    expect(await sentence()).toBe('<@UANN> silenced it for 2 h: no escalations until then.');
    const end = async (): Promise<Incident> =>
      must(
        await changeIncident({ log: setup.journal }, incident.id, (now) =>
          endSilence(now, new Date(setup.clock.now()).toISOString()),
        ),
      );
    await setup.clock.move(7_199_999);
    expect((await end()).silence).not.toBeNull();
    await setup.clock.move(1);
    expect((await end()).silence).toBeNull();
    const { version } = await end();
    expect((await end()).version).toBe(version);
    expect(await sentence()).toBe('The silence by <@UANN> ended. Escalations continue.');
  });

  test('a secret in a reason is not kept', async () => {
    const reason = 'see postgres://app:hunter2@db/shop';
    must(await setup.incidents.silence(incident.id, ann, { forMs: 1000, reason }));
    expect(JSON.stringify(await setup.journal.entries())).not.toContain('hunter2');
  });

  test('it cannot be closed while the last look says critical', async () => {
    await setup.looks(used(97), 15_000);
    const refused = await setup.incidents.resolve(incident.id, ann, 'go away');
    expect(kind(refused)).toBe('still-critical');
    // Another process, which did not look itself, says the same by what the journal keeps.
    expect(kind(await (await setup.another()).resolve(incident.id, ann, 'go away'))).toBe(
      'still-critical',
    );
    await setup.clock.move(15_000);
    await setup.looks(used(20), 15_000);
    const closed = must(await setup.incidents.resolve(incident.id, ann, 'it was a test'));
    expect(closed).toMatchObject({
      state: 'resolved',
      closing: { by: ann, reason: 'it was a test' },
    });
    expect(kind(await setup.incidents.assign(incident.id, ann))).toBe('resolved');
  });

  test('it can be reopened, unless its target has another one by then', async () => {
    must(await setup.incidents.assign(incident.id, ann));
    must(await setup.incidents.resolve(incident.id, ann, 'over'));
    await setup.clock.move(2 * 3_600_000);
    const again = must(await setup.incidents.reopen(incident.id, bob, 'not over'));
    expect(again).toMatchObject({ state: 'open', assignee: null, closing: null });
    expect(await sentence()).toBe('<@UBOB> reopened it after 2 h. Previous owner: <@UANN>.');
    must(await setup.incidents.resolve(incident.id, ann, 'over'));
    await setup.clock.move(3_600_000);
    must(await setup.incidents.open('shop', ann, 'another'));
    expect(kind(await setup.incidents.reopen(incident.id, bob, 'back'))).toBe('another-incident');
  });

  test('a merged one goes on in the other, and ends with it', async () => {
    const other = must(await setup.incidents.open('till', bob, 'slow'));
    const merged = must(await setup.incidents.merge(incident.id, other.id, ann));
    expect(merged).toMatchObject({ state: 'merged', mergedInto: other.id });
    const taken = must(await setup.incidents.get(other.id));
    expect(taken).toMatchObject({ severity: 'critical' });
    expect(taken.triggers.map((trigger) => trigger.kind).toSorted()).toEqual(['alert', 'person']);
    expect(kind(await setup.incidents.assign(incident.id, ann))).toBe('merged');
    expect(kind(await setup.incidents.merge(other.id, incident.id, ann))).toBe('merged');
    const ports = { log: setup.journal, clock: setup.clock };
    expect(await followMerged(ports, [merged])).toBe(0);
    must(await setup.incidents.resolve(other.id, ann, 'over'));
    expect(await followMerged(ports, [merged])).toBe(1);
    expect(must(await setup.incidents.get(incident.id))).toMatchObject({ state: 'resolved' });
    expect(await sentence()).toBe(`Resolved together with ${other.id}.`);
  });

  test('an alert that ended while its incident was a part of another fires no more when that comes back', async () => {
    const other = must(await setup.incidents.open('till', bob, 'slow'));
    const merged = must(await setup.incidents.merge(incident.id, other.id, ann));
    must(await setup.incidents.alert(ended(anAlert())));
    must(await setup.incidents.resolve(other.id, ann, 'over'));
    await followMerged({ log: setup.journal, clock: setup.clock }, [merged]);
    const { triggers } = must(await setup.incidents.reopen(incident.id, ann, 'it is back'));
    expect(triggers.filter(({ endedAt }) => endedAt === null)).toMatchObject([{ kind: 'person' }]);
  });

  test('an alert that ended while the incident that took it over was closed fires no more when that comes back', async () => {
    const other = must(await setup.incidents.open('till', bob, 'slow'));
    must(await setup.incidents.merge(incident.id, other.id, ann));
    must(await setup.incidents.resolve(other.id, ann, 'over'));
    must(await setup.incidents.alert(ended(anAlert())));
    const { triggers } = must(await setup.incidents.reopen(other.id, ann, 'it is back'));
    expect(triggers.filter(({ kind }) => kind === 'alert')).toHaveLength(1);
    expect(triggers.filter(({ endedAt }) => endedAt === null)).toMatchObject([{ kind: 'person' }]);
  });

  test('of two that are made a part of each other at once one stays open', async () => {
    const other = must(await setup.incidents.open('till', bob, 'slow'));
    const another = await setup.another();
    const merging = Promise.all([
      setup.incidents.merge(incident.id, other.id, ann),
      another.merge(other.id, incident.id, bob),
    ]);
    await setup.clock.move(2000);
    const answers = await merging;
    expect(answers.filter(({ ok }) => ok)).toHaveLength(1);
    expect(must(await setup.incidents.list())).toHaveLength(1);
    const told = [...(await setup.sentences(incident.id)), ...(await setup.sentences(other.id))];
    expect(new Set(told).size).toBe(told.length);
  });

  test('an incident is not over while a part of it is in trouble', async () => {
    const other = must(await setup.incidents.open('till', bob, 'slow'));
    must(await setup.incidents.merge(incident.id, other.id, ann));
    must(await setup.incidents.alert({ ...anAlert(), status: 'resolved', endsAt: null }));
    for (let looks = 0; looks < 60; looks += 1) {
      must(await setup.incidents.observe(setup.look(used(97), 'shop')));
      must(await setup.incidents.observe(setup.look(used(20), 'till')));
      await setup.clock.move(15_000);
    }
    expect(must(await setup.incidents.get(other.id))).toMatchObject({ state: 'open' });
    must(await setup.incidents.observe(setup.look(used(20), 'shop')));
    must(await setup.incidents.observe(setup.look(used(20), 'till')));
    expect(must(await setup.incidents.get(other.id))).toMatchObject({ state: 'resolved' });
  });

  test('a part that was in trouble and is out of sight since keeps it open', async () => {
    const other = must(await setup.incidents.open('till', bob, 'slow'));
    must(await setup.incidents.merge(incident.id, other.id, ann));
    must(await setup.incidents.alert({ ...anAlert(), status: 'resolved', endsAt: null }));
    must(await setup.incidents.observe(setup.look(used(97), 'shop')));
    for (let looks = 0; looks < 60; looks += 1) {
      must(await setup.incidents.observe(setup.look(unreachable(), 'shop')));
      must(await setup.incidents.observe(setup.look(used(20), 'till')));
      await setup.clock.move(15_000);
    }
    expect(must(await setup.incidents.get(other.id))).toMatchObject({ state: 'open' });
  });

  test('an alert that two incidents count since a merge ends in both', async () => {
    const other = must(await setup.incidents.open('till', bob, 'slow'));
    must(await setup.incidents.merge(incident.id, other.id, ann));
    must(await setup.incidents.resolve(other.id, ann, 'over'));
    const merged = must(await setup.incidents.get(incident.id));
    await followMerged({ log: setup.journal, clock: setup.clock }, [merged]);
    // Both come back by themselves, and both know the alert that still fires.
    must(await setup.incidents.reopen(incident.id, ann, 'it is back'));
    must(await setup.incidents.reopen(other.id, ann, 'it is back'));
    must(await setup.incidents.alert(ended(anAlert())));
    for (const { id } of [incident, other]) {
      const { triggers } = must(await setup.incidents.get(id));
      expect(
        triggers.filter(({ kind: by, endedAt }) => by === 'alert' && endedAt === null),
      ).toEqual([]);
    }
  });

  test('a call for help is noted down to be sent, with a name of its own', async () => {
    const ask = { role: 'backend-lead', reason: 'it fills again' } as const;
    must(await setup.incidents.escalate(incident.id, guest, ask));
    const called = must(await setup.incidents.escalate(incident.id, bob, ask));
    expect(called.escalations).toMatchObject([
      { id: 'hand-1', who: 'backend-lead', state: 'sending', by: guest, quote: 'it fills again' },
      { id: 'hand-2', who: 'backend-lead', state: 'sending', by: bob },
    ]);
    expect(await sentence()).toBe('<@UBOB> escalated to the backend lead.');
    expect(kind(await setup.incidents.escalate(incident.id, bob, { ...ask, reason: '' }))).toBe(
      'reason-missing',
    );
  });

  test('an item of the checklist is ticked by the first who says so', async () => {
    must(await setup.incidents.tick(incident.id, ann, 'pool-sizes'));
    const ticked = must(await setup.incidents.tick(incident.id, bob, 'pool-sizes'));
    expect(ticked.checklist).toMatchObject([{ item: 'pool-sizes', by: ann }]);
    expect(await sentence()).toBe('<@UANN> completed: Validate pool size settings.');
  });

  test('opening it by hand joins the open one, and a target that is not there is refused', async () => {
    expect(must(await setup.incidents.open('shop', bob, 'I see it too')).id).toBe(incident.id);
    expect(kind(await setup.incidents.open('nowhere', bob, 'x'))).toBe('unknown-target');
    expect(kind(await setup.incidents.open('shop', bob, ''))).toBe('reason-missing');
    expect(kind(await setup.incidents.get('inc-nowhere1'))).toBe('unknown-incident');
  });

  test('what cannot be recorded did not happen, and says so', async () => {
    setup.folder.closeJournals();
    expect(kind(await setup.incidents.assign(incident.id, ann))).toBe('not-recorded');
    expect(kind(await setup.incidents.alert(anAlert()))).toBe('not-recorded');
    expect(kind(await setup.incidents.observe(setup.look(used(20))))).toBe('not-recorded');
  });
});
