import type { StoredJournal } from '../../../src/journal/stored-journal.ts';
import type { ApprovalRequest } from '../../../src/runbook/approvals/request.ts';
import { diagnose } from '../../../src/runbook/diagnose/diagnose.ts';
import type { TargetCheck } from '../../../src/runbook/diagnose/evidence.ts';
import { RecentChecks } from '../../../src/runbook/diagnose/recent-checks.ts';
import type { RecentCheck } from '../../../src/runbook/diagnose/recent-checks.ts';
import type { Incident } from '../../../src/runbook/incidents/incident.ts';
import { createIncidents } from '../../../src/runbook/incidents/incidents.ts';
import type { Incidents } from '../../../src/runbook/incidents/incidents.ts';
import { defaultIncidentRules } from '../../../src/runbook/incidents/rules.ts';
import type { Answer } from '../../../src/runbook/remedies/remedy.ts';
import type { SessionReading, Snapshot } from '../../../src/runbook/snapshot/snapshot.ts';
import type { Target } from '../../../src/runbook/snapshot/target.ts';
import { makeJournalFolder } from '../../journal/temporary-journal.ts';
import { allMembers } from '../../support/people.ts';
import { ann, bob, buildPlan, buildRequest, buildSession } from '../approvals/builders.ts';
import { HandClock } from '../approvals/world.ts';
import {
  aPool,
  aReading,
  aReplica,
  aServiceReading,
  aSession,
  aSnapshot,
  aSource,
  aTarget,
} from '../diagnose/builders.ts';

/** A night built through the real incidents on a real journal, with a clock that is moved by hand. */
export interface Night {
  readonly clock: HandClock;
  readonly journal: StoredJournal;
  readonly incidents: Incidents;
  readonly target: Target;
  /** A look at this minute after 03:00, and what the incidents make of it. */
  look(minute: number, used: number, more?: Partial<Look>): Promise<Incident | null>;
  at(minute: number): string;
  close(): void;
}

export interface Look {
  /** Transactions that were forgotten so many minutes ago, one for each. */
  readonly forgotten: readonly number[];
  /** A transaction that rests for so many seconds and goes on; another rest at each look. */
  readonly working: number;
  readonly poolSize: number;
  readonly settings: Readonly<Record<string, number>>;
}

const quiet: Look = {
  forgotten: [],
  working: 2,
  poolSize: 60,
  settings: { idle_in_transaction_session_timeout: 0, idle_session_timeout: 0 },
};

export function value<T>(answer: Answer<T>): T {
  if (!answer.ok) throw new Error(`${answer.refusal.why} ${answer.refusal.next}`);
  return answer.value;
}

const startMs = Date.parse('2026-11-23T03:00:00.000Z');

export function at(minute: number): string {
  return new Date(startMs + minute * 60_000).toISOString();
}

export async function openNight(changes: Partial<Target> = {}): Promise<Night> {
  const folder = makeJournalFolder();
  const clock = new HandClock();
  const journal = await folder.open({ clock });
  const target = aTarget({ canResize: true, ...changes });
  const incidents = createIncidents({
    log: journal,
    clock,
    targets: [target],
    rules: defaultIncidentRules,
    policyOf: () => [],
    people: allMembers,
  });
  const ring = new RecentChecks();
  return {
    clock,
    journal,
    incidents,
    target,
    at,
    async look(minute, used, more = {}) {
      clock.nowMs = startMs + minute * 60_000;
      const examination = runCheck(target, ring.entries(), { minute, used, ...quiet, ...more });
      ring.add(examination.diagnosis);
      return value(await incidents.observe(examination));
    },
    close: () => folder.close(),
  };
}

export function runCheck(
  target: Target,
  recent: readonly RecentCheck[],
  look: Look & { readonly minute: number; readonly used: number },
): TargetCheck {
  const snapshot = toSnapshot(look);
  return { snapshot, target, recent, diagnosis: diagnose({ snapshot, target, recent }) };
}

function toSnapshot(look: Look & { readonly minute: number; readonly used: number }): Snapshot {
  const { minute, used, forgotten, settings, poolSize } = look;
  const takenAt = at(minute);
  const rests = toSessions(look);
  const over = (minutes: number): number => forgotten.filter((age) => age >= minutes).length;
  const idle = Math.max(0, used - rests.length - 2);
  const pool = { ...aReplica().pool, size: poolSize, maxOverflow: 20 };
  const snapshot = aSnapshot({
    reading: aReading({
      at: takenAt,
      counts: {
        clients: used,
        active: 2,
        idle,
        idleInTransaction: rests.length,
        idleInTransactionOverWarning: over(5),
        idleInTransactionOverTerminate: over(10),
      },
      sources: [
        aSource({
          total: used,
          active: 2,
          idle,
          idleInTransaction: rests.length,
          idleInTransactionOverTerminate: over(10),
        }),
      ],
      sessions: rests,
      settings: Object.entries({ max_connections: 100, ...settings }).map(([name, setting]) => ({
        name,
        value: String(setting),
        unit: null,
        source: 'configuration file',
        pendingRestart: false,
      })),
    }),
    pools: [
      aPool({
        size: poolSize,
        maxOverflow: 20,
        limit: poolSize + 20,
        checkedOut: forgotten.length,
        utilisation: forgotten.length / (poolSize + 20),
      }),
    ],
    services: { services: [aServiceReading({ replicas: [aReplica({ pool })] })] },
  });
  return { ...snapshot, takenAt };
}

function toSessions(look: Look & { readonly minute: number }): SessionReading[] {
  const { minute, forgotten, working } = look;
  const resting = (pid: number, ageSeconds: number): SessionReading =>
    aSession({
      pid,
      state: 'idle in transaction',
      stateAgeSeconds: ageSeconds,
      stateChangedAt: at(minute - ageSeconds / 60).replace('Z', '001Z'),
      transactionAgeSeconds: ageSeconds,
      query: 'SELECT * FROM carts WHERE id = ?',
      fingerprint: 'leak',
    });
  return [
    // The oldest is the same session at every look.
    ...forgotten.map((age, index) => resting(2000 + index, age * 60)),
    resting(1000, working),
  ];
}

/** Option A, proposed by Ann and approved by Bob, that ended so many of the forgotten transactions. */
export function endedThem(minute: number, pids: readonly number[]): Promise<ApprovalRequest> {
  const plan = buildPlan({
    title: `End ${pids.length} sessions idle in transaction for over 10 min`,
    subject: 'backend',
    targets: pids.map((pid) => buildSession(pid)),
    plannedAt: at(minute),
  });
  return buildRequest({
    id: 'req-1',
    state: 'done',
    plan,
    proposedBy: ann,
    proposedAt: at(minute),
    expiresAt: at(minute + 15),
    votes: [{ by: bob, at: at(minute + 1), reason: 'it fills' }],
    execution: {
      startedAt: at(minute + 1),
      left: pids.length,
      skipped: [],
      before: { used: 97, usable: 97 },
      after: { used: 40, usable: 97 },
    },
    result: {
      endedAt: at(minute + 2),
      report: {
        items: pids.map((pid) => ({
          what: `pid ${pid}`,
          outcome: 'ended',
          detail: 'It ended.',
          lines: [],
        })),
        summary: `${pids.length} ended.`,
        finished: true,
      },
      outcome: {
        word: 'fixed',
        sentence: '97 of 97 used before, 40 right after, 38 after 60 s.',
        before: { used: 97, usable: 97 },
        after: { used: 40, usable: 97 },
        later: { used: 38, usable: 97 },
      },
    },
  });
}

const ages = (many: number, oldest: number): number[] =>
  Array.from({ length: many }, (_, index) => oldest - index * 0.05);

/** A leak in backend: half full at 03:00, full at 03:06, ended by option A at 03:09, over at 03:15. */
export async function leakNight(
  changes: Partial<Target> = {},
  setting: Partial<Look> = {},
): Promise<{
  readonly night: Night;
  readonly incident: Incident;
}> {
  const night = await openNight(changes);
  const { incidents, journal } = night;
  const look: Night['look'] = (minute, used, more = {}) =>
    night.look(minute, used, { ...more, ...setting });
  await look(0, 50, { forgotten: ages(10, 1) });
  await look(1, 60, { forgotten: ages(20, 2), working: 1 });
  await look(2, 70, { forgotten: ages(30, 3), working: 3 });
  await look(3, 80, { forgotten: ages(38, 4), working: 2 });
  await look(4, 92, { forgotten: ages(38, 5), working: 1 });
  await look(5, 97, { forgotten: ages(38, 6) });
  const opened = await look(6, 97, { forgotten: ages(38, 7) });
  if (opened === null) throw new Error('The watch opened no incident.');
  night.clock.nowMs += 60_000;
  value(await incidents.assign(opened.id, ann));
  const request = await endedThem(
    8,
    Array.from({ length: 38 }, (_, index) => 2000 + index),
  );
  await journal.create(request, { request: request.id, kind: 'proposed', body: {} });
  night.clock.nowMs = startMs + 10 * 60_000;
  await incidents.requestChanged(request);
  for (const minute of [11, 12, 13, 14, 15, 16]) await look(minute, 38);
  return { night, incident: value(await incidents.get(opened.id)) };
}
