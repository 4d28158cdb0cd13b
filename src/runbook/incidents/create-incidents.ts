import { JournalUnavailable } from '../approvals/journal.ts';
import { refuseUnrecorded } from '../approvals/refusals.ts';
import { done, refuse } from '../remedies/remedy.ts';
import type { Answer } from '../remedies/remedy.ts';
import { assign, requestEscalation, tick } from './by-hand.ts';
import { findIncident, merge } from './find-and-merge.ts';
import type { IncidentDeps } from './incident-log.ts';
import type { Incident } from './incident.ts';
import type { Incidents } from './incidents.ts';
import { createNoteMemory } from './kept-checks.ts';
import { createCheckMemory } from './observation.ts';
import { observe } from './observe.ts';
import { openByHand } from './open.ts';
import { recordRequest } from './record-request.ts';
import { reopen, resolve, silence, unsilence } from './resolve-and-silence.ts';
import { createSteadyClock } from './steady-clock.ts';
import { takeAlert } from './take-alert.ts';
import { createUnplacedAlerts } from './unplaced-alerts.ts';

/** More would not fit a message, and nobody reads on. */
const mostListed = 50;

/** The one door to incidents; see `Incidents`. Several on one journal, in one process or many, work as one. */
export function createIncidents(given: IncidentDeps): Incidents {
  const { log, rules } = given;
  const clock = createSteadyClock(log, given.clock);
  const ports = { ...given, clock };
  const act = <T>(work: () => Promise<Answer<T>>): Promise<Answer<T>> =>
    recorded(async () => {
      await clock.agree();
      return work();
    });
  const checks = createCheckMemory(rules);
  const memories = {
    checks,
    notes: createNoteMemory(log),
    pending: new Map<string, Set<string>>(),
  };
  const unplaced = createUnplacedAlerts(ports);
  return {
    alert: (alert) => act(() => takeAlert({ ...ports, unplaced }, checks, alert)),
    observe: (targetCheck) => act(() => observe(ports, memories, targetCheck)),
    async requestChanged(request) {
      const requestChanged = await act(async () =>
        done(await recordRequest(ports, memories, request)),
      );
      // Whoever tends the incidents tells it again, so nothing is lost.
      if (!requestChanged.ok)
        ports.onFault?.(`request ${request.id}`, new Error(requestChanged.refusal.next));
    },
    open: (target, actor, reason) => act(() => openByHand(ports, { target, actor, reason })),
    assign: (id, actor) => act(() => assign(ports, id, actor)),
    silence: (id, actor, asked) => act(() => silence(ports, { id, actor, silence: asked })),
    unsilence: (id, actor) => act(() => unsilence(ports, id, actor)),
    merge: (id, into, actor) => act(() => merge(ports, { id, into, actor })),
    resolve: (id, actor, reason) => act(() => resolve(ports, checks, { id, actor, reason })),
    reopen: (id, actor, reason) => act(() => reopen(ports, { id, actor, reason })),
    escalate: (id, actor, ask) => act(() => requestEscalation(ports, { id, actor, ask })),
    tick: (id, actor, item) => act(() => tick(ports, { id, actor, item })),
    get: (id) => recorded(() => get(ports, id)),
    current: (target) => recorded(() => current(ports, target)),
    list: () =>
      recorded(async () => done(await log.listIncidents({ states: ['open'], limit: mostListed }))),
    history: (target) =>
      recorded(async () => {
        const states = ['open', 'merged', 'resolved'] as const;
        const about = target === undefined ? {} : { target };
        return done(await log.listIncidents({ states, ...about, limit: mostListed }));
      }),
  };
}

async function get({ log }: IncidentDeps, id: string): Promise<Answer<Incident>> {
  const incident = await log.readIncident(id);
  if (incident !== undefined) return done(incident);
  return refuse('unknown-incident', 'There is no such incident.', 'Look at /dbconn history.');
}

async function current({ log }: IncidentDeps, target: string): Promise<Answer<Incident | null>> {
  const belonging = await findIncident(log, target);
  return done(belonging.kind === 'none' ? null : belonging.incident);
}

async function recorded<T>(work: () => Promise<Answer<T>>): Promise<Answer<T>> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof JournalUnavailable) return refuseUnrecorded(error);
    throw error;
  }
}
