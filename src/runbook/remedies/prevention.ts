import type { Clock } from '../ports.ts';
import type { Timeouts, TimeoutReading } from '../ports/timeouts.ts';
import type { Target } from '../target.ts';
import { ActingUnavailable } from './acting-unavailable.ts';
import type { Ask } from './ask.ts';
import { defaultPoolers } from './option-a/idle-query.ts';
import type { Plan, PlanDraft } from './plan.ts';
import { checkFlight, refuseHazard } from './prevention/flight-check.ts';
import type { TimeoutAsk } from './prevention/flight-check.ts';
import { draftPrevention, toSettingTarget } from './prevention/plan.ts';
import { finishTimeout, setTimeoutValue } from './prevention/run.ts';
import { done, refuse } from './remedy.ts';
import type { Answer, Recheck, Remedy } from './remedy.ts';
import type { SettingTarget } from './targets/setting.ts';

export interface PreventionPorts {
  readonly timeouts: Timeouts;
  readonly clock: Clock;
  readonly target: Pick<Target, 'name'>;
  readonly poolerApplications?: readonly string[];
}

/** The runbook's prevention: the time-outs that end forgotten transactions and sessions by themselves. */
export function createPrevention(ports: PreventionPorts): Remedy {
  const { timeouts, clock } = ports;
  return {
    option: 'prevention',
    target: ports.target.name,
    propose: (ask) => proposeTimeout(ports, toTimeoutAsk(ask)),
    recheck: (plan) => recheckTimeout(ports, plan),
    run: (plan, _left, control) =>
      timeouts.withSession((session) =>
        setTimeoutValue({ session, clock, control, ...settingOf(plan) }),
      ),
    recover: ({ plan }, control) =>
      timeouts.withSession((session) =>
        finishTimeout({ session, clock, control, ...settingOf(plan) }),
      ),
  };
}

async function proposeTimeout(ports: PreventionPorts, ask: TimeoutAsk): Promise<Answer<PlanDraft>> {
  const safe = refuseHazard(ask);
  if (!safe.ok) return safe;
  try {
    const now = await read(ports, ask);
    const flight = checkFlight(ask, now);
    return flight.ok ? done(draftPrevention(ports.target.name, ask, now)) : flight;
  } catch (error) {
    if (!(error instanceof ActingUnavailable)) throw error;
    return refuse('unreachable', error.message, 'Prevention can wait until the night is over.');
  }
}

/** A value that somebody changed since the plan was made is another plan. */
async function recheckTimeout(ports: PreventionPorts, plan: Plan): Promise<Recheck> {
  const { ask, target } = settingOf(plan);
  const now = toSettingTarget(ask, await read(ports, ask));
  const isSame =
    now.from === target.from && now.inForce === target.inForce && now.source === target.source;
  if (isSame) return { left: [target], spared: [] };
  const reason = 'its value changed since the plan was made';
  return { left: [], spared: [{ what: target.name, label: target.role ?? '', reason }] };
}

function read(
  { timeouts, poolerApplications = defaultPoolers }: PreventionPorts,
  ask: TimeoutAsk,
): Promise<TimeoutReading> {
  const poolers = poolerApplications.map((name) => name.toLowerCase());
  return timeouts.withSession((session) => session.readTimeout(ask, { overMs: ask.ms, poolers }));
}

function settingOf({ ask, targets }: Plan): { ask: TimeoutAsk; target: SettingTarget } {
  const target = targets.find(({ kind }) => kind === 'setting');
  if (target?.kind !== 'setting') throw new Error('A plan of prevention has one setting.');
  return { ask: toTimeoutAsk(ask), target };
}

function toTimeoutAsk(ask: Ask): TimeoutAsk {
  if (ask.kind === 'set-timeout') return ask;
  throw new Error('Prevention only sets time-outs.');
}
