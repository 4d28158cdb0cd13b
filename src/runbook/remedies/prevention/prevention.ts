import type { Clock } from '../../../timing.ts';
import { defaultPoolers } from '../../diagnose/protected-sessions.ts';
import type { Target } from '../../snapshot/target.ts';
import type { Plan, PlanDraft, SettingTarget } from '../plan.ts';
import type { RemedyRequest } from '../remedy-request.ts';
import { PrivilegedUnavailable, done, refuse } from '../remedy.ts';
import type { Answer, Recheck, Remedy } from '../remedy.ts';
import { finishLimit, proposeLimit, recheckLimit, setLimit } from './connection-limit.ts';
import { draftPrevention, toSettingTarget } from './plan.ts';
import type { RoleLimits, TimeoutReading, Timeouts } from './ports.ts';
import { preflight, refuseHazard } from './preflight.ts';
import type { TimeoutRequest } from './preflight.ts';
import { finishTimeout, setTimeoutValue } from './run.ts';

export interface PreventionPorts {
  readonly timeouts: Timeouts;
  readonly clock: Clock;
  readonly roleLimits: RoleLimits;
  readonly target: Pick<Target, 'name' | 'services'>;
  readonly poolerApplications?: readonly string[];
  /** A plan for a person: what the acting role may is no matter. */
  readonly byHand?: boolean;
}

/**
 * The runbook's prevention: the time-outs that end forgotten transactions and sessions by themselves, and the connection
 * limit of a role.
 */
export function createPrevention(ports: PreventionPorts): Remedy {
  const { timeouts, roleLimits, clock } = ports;
  return {
    option: 'prevention',
    target: ports.target.name,
    propose: (ask) => proposeWhatever(ports, ask),
    recheck(plan) {
      const { ask } = plan;
      return ask.kind === 'limit-connections'
        ? recheckLimit(ports, ask, settingOf(plan))
        : recheckTimeout(ports, plan);
    },
    run(plan, _left, control) {
      const { ask } = plan;
      return ask.kind === 'limit-connections'
        ? roleLimits.act((session) => setLimit({ session, control, ask }))
        : timeouts.act((session) =>
            setTimeoutValue({ session, clock, control, ...timeoutOf(plan) }),
          );
    },
    recover({ plan }, control) {
      const { ask } = plan;
      return ask.kind === 'limit-connections'
        ? roleLimits.act((session) => finishLimit({ session, control, ask }, settingOf(plan)))
        : timeouts.act((session) => finishTimeout({ session, clock, control, ...timeoutOf(plan) }));
    },
  };
}

async function proposeWhatever(
  ports: PreventionPorts,
  ask: RemedyRequest,
): Promise<Answer<PlanDraft>> {
  try {
    return ask.kind === 'limit-connections'
      ? await proposeLimit(ports, ask)
      : await proposeTimeout(ports, toTimeoutRequest(ask));
  } catch (error) {
    if (!(error instanceof PrivilegedUnavailable)) throw error;
    return refuse('unreachable', error.message, 'Prevention can wait until the incident is over.');
  }
}

async function proposeTimeout(
  ports: PreventionPorts,
  ask: TimeoutRequest,
): Promise<Answer<PlanDraft>> {
  const safe = refuseHazard(ask);
  if (!safe.ok) return safe;
  const now = await read(ports, ask);
  const flight = preflight(ask, now, ports.byHand);
  return flight.ok ? done(draftPrevention(ports.target.name, ask, now)) : flight;
}

/** A value that somebody changed since the plan was made is another plan. */
async function recheckTimeout(ports: PreventionPorts, plan: Plan): Promise<Recheck> {
  const { ask, target } = timeoutOf(plan);
  const now = toSettingTarget(ask, await read(ports, ask));
  const isSame =
    now.from === target.from && now.inForce === target.inForce && now.source === target.source;
  if (isSame) return { left: [target], spared: [] };
  const reason = 'its value changed since the plan was made';
  return { left: [], spared: [{ what: target.name, label: target.role ?? '', reason }] };
}

function read(
  { timeouts, poolerApplications = defaultPoolers }: PreventionPorts,
  ask: TimeoutRequest,
): Promise<TimeoutReading> {
  const poolers = poolerApplications.map((name) => name.toLowerCase());
  return timeouts.act((session) => session.readTimeout(ask, { overMs: ask.ms, poolers }));
}

function timeoutOf(plan: Plan): { ask: TimeoutRequest; target: SettingTarget } {
  return { ask: toTimeoutRequest(plan.ask), target: settingOf(plan) };
}

function settingOf({ targets }: Plan): SettingTarget {
  const target = targets.find(({ kind }) => kind === 'setting');
  if (target?.kind !== 'setting') throw new Error('A plan of prevention has one setting.');
  return target;
}

function toTimeoutRequest(ask: RemedyRequest): TimeoutRequest {
  if (ask.kind === 'set-timeout') return ask;
  throw new Error('Prevention sets time-outs and connection limits.');
}
