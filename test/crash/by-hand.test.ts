import { afterEach, beforeEach, expect, test } from 'vitest';
import { startPatient } from '../../sandbox/patient/patient.ts';
import type { Patient } from '../../sandbox/patient/patient.ts';
import { asAdmin } from '../../sandbox/patient/schema.ts';
import type { StoredJournal } from '../../src/journal/stored-journal.ts';
import type { Approvals } from '../../src/runbook/approvals/approvals.ts';
import type { ApprovalRequest } from '../../src/runbook/approvals/request.ts';
import { valueOf } from '../runbook/approvals/answers.ts';
import { sqliteShelf } from '../journal/shelves.ts';
import type { Place, Shelf } from '../journal/shelves.ts';
import { startChild } from './child.ts';
import type { Ended } from './child.ts';
import { startEngine } from './engine.ts';
import type { Engine } from './engine.ts';
import type { KillPoint } from './killing-journal.ts';
import { ann, bob, openCrashApprovals } from './open-crash-approvals.ts';
import type { Job } from './run-until-killed.ts';
import { takeOverFirst } from './take-over-first.ts';
import { reachedAdapters } from './reached-adapters.ts';
import type { PatientTarget } from './reached-adapters.ts';

/** A plan that a person runs: killed at any write before its commands show, and at any after somebody ran them. */
const role = 'crash_by_hand';
const ask = { kind: 'limit-connections', role, limit: 20 } as const;

let patient: Patient;
let shelf: Shelf;
let engine: Engine;
beforeEach(async () => {
  [patient, shelf] = await Promise.all([startPatient({ seed: 5 }), sqliteShelf()]);
  const services = patient.services();
  engine = await startEngine({
    services,
    pools: patient.pools(),
    serverHost: patient.serverHost(),
  });
  await admin(`CREATE ROLE ${role} LOGIN`);
});
afterEach(async () => {
  await engine.close();
  await patient.close();
  await shelf.close();
});

function admin(sql: string): Promise<unknown> {
  return asAdmin(patient.urls.rescue, (client) => client.query(sql));
}

interface Attempt {
  readonly approvals: Approvals;
  readonly journal: StoredJournal;
  readonly id: string;
  readonly child: (task: Job['task'], point: KillPoint | null) => Promise<Ended>;
}

/** A journal of its own, and in it a proposal. */
async function attempt<T>(work: (attempt: Attempt) => Promise<T>): Promise<T> {
  const place: Place = await shelf.clear();
  const patientTarget: PatientTarget = {
    target: patient.target(),
    urls: patient.urls,
    byHand: true,
  };
  const adapters = reachedAdapters(patientTarget, engine.reached);
  const { approvals, journal, faults, close } = await openCrashApprovals({
    address: place.address,
    adapters,
  });
  try {
    const { id } = valueOf(
      await approvals.propose({ target: patientTarget.target.name, ask, actor: ann }),
    );
    const job = { id, address: place.address, engine: engine.address, patientTarget };
    const done = await work({
      approvals,
      journal,
      id,
      child: (task, point) => startChild().run({ ...job, task, point }),
    });
    expect(faults).toEqual([]);
    expect(await journal.verify()).toMatchObject({ ok: true });
    return done;
  } finally {
    await close();
    await place.close();
    await admin(`ALTER ROLE ${role} CONNECTION LIMIT -1`);
  }
}

function pointsOf({ writes }: Ended): KillPoint[] {
  return writes.flatMap((_, index) =>
    (['before', 'after'] as const).map((when) => ({ write: index + 1, when })),
  );
}

test('killed at any write until its commands show, it is handed over once or not at all', async () => {
  const whole = await attempt(({ child }) => child('approve', null));
  expect(whole.writes).toEqual(['vote', 'handed']);
  for (const point of pointsOf(whole)) {
    await attempt(async ({ approvals, id, child }) => {
      expect(await child('approve', point)).toMatchObject({ signal: 'SIGKILL' });
      const found = valueOf(await approvals.get(id));
      if (found.state === 'proposed') valueOf(await approvals.approve(id, bob));
      if (found.state === 'approved') await takeOverFirst(approvals);
      const { state, closing } = valueOf(await approvals.settled(id));
      // Nothing was shown, so nothing can have been run.
      const isLost = found.state === 'approved';
      expect(state).toBe(isLost ? 'failed' : 'handed');
      expect(closing?.sentence.includes('Nothing was done') ?? false).toBe(isLost);
      expect((await approvals.commands(id)).ok).toBe(state === 'handed');
    });
  }
});

test('killed at any write after somebody ran it, it ends once, as run by them', async () => {
  const whole = await ranByHand(null);
  expect(whole.writes.slice(0, 2)).toEqual(['ran-by-hand', 'verifying']);
  for (const point of pointsOf(whole)) await ranByHand(point);
});

function ranByHand(point: KillPoint | null): Promise<Ended> {
  return attempt(async ({ approvals, journal, id, child }) => {
    valueOf(await approvals.approve(id, bob));
    expect(valueOf(await approvals.settled(id)).state).toBe('handed');
    await admin(`ALTER ROLE ${role} CONNECTION LIMIT 20`);
    const ended = await child('ran by hand', point);
    const found = valueOf(await approvals.get(id));
    if (found.state === 'handed') valueOf(await approvals.ranByHand(id, bob));
    if (found.state === 'verifying') await takeOverFirst(approvals);
    const last: ApprovalRequest = valueOf(await approvals.settled(id));
    expect(last).toMatchObject({
      state: 'done',
      handOff: { ranBy: { by: bob } },
      result: { outcome: { word: 'fixed' }, report: { items: [{ outcome: 'set' }] } },
    });
    const kinds = (await journal.entries()).map(({ kind }) => kind);
    for (const once of ['ran-by-hand', 'done']) {
      expect(kinds.filter((kind) => kind === once)).toHaveLength(1);
    }
    return ended;
  });
}
