import { JournalUnavailable } from '../approval/journal-unavailable.ts';
import { refuseUnrecorded } from '../approval/refusals.ts';
import { done, refuse } from '../remedies/remedy.ts';
import type { Answer } from '../remedies/remedy.ts';
import { assign } from './assign.ts';
import { callByHand } from './call-by-hand.ts';
import { findIncident } from './find-incident.ts';
import { hear } from './hear.ts';
import type { IncidentPorts } from './incident-ports.ts';
import type { Incident } from './incident.ts';
import type { Incidents } from './incidents.ts';
import { createLookMemory } from './look-memory.ts';
import { merge } from './merge.ts';
import { createNoteMemory } from './note-memory.ts';
import { openByHand } from './open-by-hand.ts';
import { reopen, resolve } from './resolve.ts';
import { see } from './see.ts';
import { silence, unsilence } from './silence.ts';
import { takeAlert } from './take-alert.ts';
import { createUnplacedAlerts } from './tell-unplaced.ts';
import { tick } from './tick.ts';

/** More would not fit a message, and nobody reads on. */
const mostListed = 50;

/** The one door to incidents; see `Incidents`. Several on one journal, in one process or many, work as one. */
export function createIncidents(ports: IncidentPorts): Incidents {
  const { log, rules } = ports;
  const looks = createLookMemory(rules);
  const memories = { looks, notes: createNoteMemory(log), owed: new Map<string, Set<string>>() };
  const unplaced = createUnplacedAlerts(ports);
  return {
    alert: (alert) => recorded(() => takeAlert({ ...ports, unplaced }, looks, alert)),
    seen: (examination) => recorded(() => see(ports, memories, examination)),
    async heard(request) {
      const heard = await recorded(async () => done(await hear(ports, memories, request)));
      // Whoever tends the incidents tells it again, so nothing is lost.
      if (!heard.ok) ports.onFault?.(`request ${request.id}`, new Error(heard.refusal.next));
    },
    open: (target, actor, reason) => recorded(() => openByHand(ports, { target, actor, reason })),
    assign: (id, actor) => recorded(() => assign(ports, id, actor)),
    silence: (id, actor, asked) => recorded(() => silence(ports, { id, actor, silence: asked })),
    unsilence: (id, actor) => recorded(() => unsilence(ports, id, actor)),
    merge: (id, into, actor) => recorded(() => merge(ports, { id, into, actor })),
    resolve: (id, actor, reason) => recorded(() => resolve(ports, looks, { id, actor, reason })),
    reopen: (id, actor, reason) => recorded(() => reopen(ports, { id, actor, reason })),
    escalate: (id, actor, ask) => recorded(() => callByHand(ports, { id, actor, ask })),
    tick: (id, actor, item) => recorded(() => tick(ports, { id, actor, item })),
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

async function get({ log }: IncidentPorts, id: string): Promise<Answer<Incident>> {
  const incident = await log.readIncident(id);
  if (incident !== undefined) return done(incident);
  return refuse('unknown-incident', 'There is no such incident.', 'Look at /dbconn history.');
}

async function current({ log }: IncidentPorts, target: string): Promise<Answer<Incident | null>> {
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
