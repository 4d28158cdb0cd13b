import { isoNow } from '../../timing.ts';
import { recorded } from '../approvals/refusals.ts';
import type { Actor, ApprovalRequest } from '../approvals/request.ts';
import type { Diagnosis } from '../diagnose/diagnosis.ts';
import type { TargetCheck } from '../diagnose/evidence.ts';
import { done } from '../remedies/remedy.ts';
import type { Answer } from '../remedies/remedy.ts';
import type { Alert, AlertOutcome } from './alert.ts';
import { changeIncident, refuseUnknown } from './change.ts';
import type { ChecklistItem, Incident } from './incident.ts';
import {
  assign,
  escalate,
  mayDecide,
  refuseSilence,
  reopen,
  resolve,
  retire,
  silence,
  tick,
  unsilence,
  withReason,
} from './decisions.ts';
import type { Decide } from './decisions.ts';
import { findIncident, merge } from './find-and-merge.ts';
import { readHistory, readOpen } from './incident-log.ts';
import type { IncidentDeps } from './incident-log.ts';
import type { Ineffective } from './ineffective-remedies.ts';
import { createNoteMemory } from './kept-checks.ts';
import { createCheckMemory } from './observation.ts';
import type { CheckMemory } from './observation.ts';
import { observe } from './observe.ts';
import { openByHand } from './open.ts';
import { recordRequest } from './record-request.ts';
import type { EscalationRequest, Silence } from './rules.ts';
import { createSteadyClock } from './steady-clock.ts';
import { takeAlert } from './take-alert.ts';
import { createUnplacedAlerts } from './unplaced-alerts.ts';

/** Everything the live message of an incident shows. */
export interface IncidentView {
  readonly incident: Incident;
  /** The latest check; null before the first one after a start. */
  readonly diagnosis: Diagnosis | null;
  /** Of its target since it opened, oldest first. */
  readonly requests: readonly ApprovalRequest[];
  /** Remedies that were tried and did not help: their buttons are withdrawn. */
  readonly ineffective: readonly Ineffective[];
}

/**
 * The one way to change incidents. Webhook, watch, slash command, button and timer all come through here. Every method
 * only writes to the journal and answers at once; what follows from it (checks, messages, calls) is done by the process that
 * leads. What cannot be recorded did not happen: that is a refusal.
 */
export interface Incidents {
  /** Idempotent: the same firing told twice changes nothing the second time. */
  alert(alert: Alert): Promise<Answer<AlertOutcome>>;
  /** What a check of the watch, or anybody's, means for the target's incident: opens, updates or resolves it. */
  observe(targetCheck: TargetCheck): Promise<Answer<Incident | null>>;
  /** A request on a target changed. Kept in the timeline of the target's open incident. Repeats do nothing. */
  requestChanged(request: ApprovalRequest): Promise<void>;
  /** Ends the open incident of a target that was removed from the configuration; null where there is none. */
  retire(target: string): Promise<Answer<Incident | null>>;
  /** By hand; joins the open one. */
  open(target: string, actor: Actor, reason: string): Promise<Answer<Incident>>;
  /** Acknowledges. Taking it over from somebody else is allowed, and said. */
  assign(id: string, actor: Actor): Promise<Answer<Incident>>;
  silence(id: string, actor: Actor, silence: Silence): Promise<Answer<Incident>>;
  unsilence(id: string, actor: Actor): Promise<Answer<Incident>>;
  /** `id` becomes a part of `into`; both are open. */
  merge(id: string, into: string, actor: Actor): Promise<Answer<Incident>>;
  /** Refused while the last check says critical: silence it instead. */
  resolve(id: string, actor: Actor, reason: string): Promise<Answer<Incident>>;
  reopen(id: string, actor: Actor, reason: string): Promise<Answer<Incident>>;
  /** Escalates by hand, on top of the policy. */
  escalate(id: string, actor: Actor, ask: EscalationRequest): Promise<Answer<Incident>>;
  tick(id: string, actor: Actor, item: ChecklistItem): Promise<Answer<Incident>>;
  get(id: string): Promise<Answer<Incident>>;
  /** The open incident of a target, or null. */
  current(target: string): Promise<Answer<Incident | null>>;
  /** Open ones, newest first. */
  list(): Promise<Answer<readonly Incident[]>>;
  /** All, newest first, at most 50. */
  history(target?: string): Promise<Answer<readonly Incident[]>>;
}

/** Several on one journal, in one process or many, work as one. */
export function createIncidents(given: IncidentDeps): Incidents {
  const { log, rules } = given;
  const clock = createSteadyClock(log, given.clock);
  const deps = { ...given, clock };
  const act = <T>(work: () => Promise<Answer<T>>): Promise<Answer<T>> =>
    recorded(async () => {
      await clock.agree();
      return work();
    });
  const checks = createCheckMemory(rules);
  const notes = createNoteMemory(log);
  const memories = { checks, notes, pending: new Map<string, Set<string>>() };
  const unplaced = createUnplacedAlerts(deps);
  return {
    ...byHand(deps, checks, act),
    alert: (alert) => act(() => takeAlert({ ...deps, unplaced }, checks, alert)),
    observe: (targetCheck) => act(() => observe(deps, memories, targetCheck)),
    async requestChanged(request) {
      const kept = await act(async () => done(await recordRequest(deps, memories, request)));
      // The leader tells it again, so nothing is lost.
      if (!kept.ok) deps.onFault?.(`request ${request.id}`, new Error(kept.refusal.next));
    },
    retire: (target) =>
      act(async () => {
        const [open] = await log.listIncidents({ states: ['open'], target, limit: 1 });
        if (open === undefined) return done(null);
        return changeIncident(deps, open.id, (incident) => retire(incident, isoNow(clock)));
      }),
    get: (id) =>
      recorded(async () => {
        const incident = await log.readIncident(id);
        return incident === undefined ? refuseUnknown() : done(incident);
      }),
    current: (target) =>
      recorded(async () => {
        const belonging = await findIncident(log, target);
        return done(belonging.kind === 'none' ? null : belonging.incident);
      }),
    list: () => recorded(async () => done(await readOpen(log))),
    history: (target) => recorded(async () => done(await readHistory(log, target))),
  };
}

type ByHand = Pick<
  Incidents,
  'open' | 'assign' | 'silence' | 'unsilence' | 'merge' | 'resolve' | 'reopen' | 'escalate' | 'tick'
>;
type Act = (work: () => Promise<Answer<Incident>>) => Promise<Answer<Incident>>;

/** What people decide. */
function byHand(deps: IncidentDeps, checks: CheckMemory, act: Act): ByHand {
  const change = (id: string, decide: Decide): Promise<Answer<Incident>> =>
    changeIncident(deps, id, (incident) => decide(incident, isoNow(deps.clock)));
  /** For what not everybody may. */
  const changeAs = async (by: Actor, id: string, decide: Decide): Promise<Answer<Incident>> => {
    const allowed = await mayDecide(deps.people, by);
    return allowed.ok ? change(id, decide) : allowed;
  };
  return {
    open: (target, actor, reason) => act(() => openByHand(deps, { target, actor, reason })),
    assign: (id, by) => act(() => changeAs(by, id, assign(by))),
    silence: (id, by, { forMs, reason }) =>
      act(() =>
        withReason('Silencing an incident', reason, async (why) => {
          return refuseSilence(forMs) ?? changeAs(by, id, silence(forMs, { by, why }));
        }),
      ),
    unsilence: (id, by) => act(() => changeAs(by, id, unsilence(by))),
    merge: (id, into, actor) => act(() => merge(deps, { id, into, actor })),
    resolve: (id, by, reason) =>
      act(() =>
        withReason('Closing an incident', reason, (why) =>
          changeAs(by, id, resolve(checks, { by, why })),
        ),
      ),
    reopen: (id, by, reason) =>
      act(() =>
        withReason('Reopening an incident', reason, (why) => changeAs(by, id, reopen({ by, why }))),
      ),
    escalate: (id, by, { role, reason }) =>
      act(() =>
        withReason('An escalation', reason, (why) => change(id, escalate(role, { by, why }))),
      ),
    tick: (id, by, item) => act(() => changeAs(by, id, tick(item, by))),
  };
}
