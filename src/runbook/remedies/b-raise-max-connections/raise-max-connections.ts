import { raiseMaxConnections } from '../../diagnose/proposals/b-raise-max-connections.ts';
import type { Plan, PlanDraft, SettingTarget } from '../plan.ts';
import type { RemedyRequest } from '../remedy-request.ts';
import { PrivilegedUnavailable, done, refuse } from '../remedy.ts';
import type { Answer, Recheck, Remedy, RunControl } from '../remedy.ts';
import { draftRaise, toTarget } from './plan.ts';
import type { OptionBPorts } from './ports.ts';
import { preflight } from './preflight.ts';
import type { PreflightInput } from './preflight.ts';
import { recoverRaise } from './recover.ts';
import { alterAndRestart, alterOnly } from './run.ts';
import type { Change } from './run.ts';

/** Runbook option B: raise max_connections, which restarts PostgreSQL. Lowering, as an undo does, is the same. */
export function createOptionB(ports: OptionBPorts): Remedy {
  return {
    option: 'B',
    target: ports.target.name,
    propose: (ask) => proposeChange(ports, numberOf(ask)),
    recheck: (plan) => recheckChange(ports, plan),
    run(plan, left, control) {
      const change = toChange(plan, left, control);
      const { serverHost } = ports;
      // A plan without a restart must not restart because a way to do so came up since.
      return serverHost === undefined || plan.steps.length === 1
        ? alterOnly(ports, change)
        : alterAndRestart(ports, serverHost, change);
    },
    recover: (broken, control) =>
      recoverRaise(ports, broken, toChange(broken.plan, broken.plan.targets, control)),
  };
}

/** Undefined: as much as seems right. */
function numberOf(ask: RemedyRequest): number | undefined {
  if (ask.kind !== 'raise-max-connections') throw new Error('Option B only sets max_connections.');
  return ask.to;
}

async function proposeChange(
  ports: OptionBPorts,
  requested: number | undefined,
): Promise<Answer<PlanDraft>> {
  try {
    const flight = preflight(await readPreflight(ports, requested), ports.byHand);
    return flight.ok ? done(draftRaise(ports.target.name, flight.value)) : flight;
  } catch (error) {
    if (!(error instanceof PrivilegedUnavailable)) throw error;
    const next = 'Check with /dbconn doctor. Options C and E need no acting role.';
    return refuse('unreachable', error.message, next);
  }
}

async function readPreflight(
  { serverSettings, serverHost }: OptionBPorts,
  requested: number | undefined,
): Promise<PreflightInput> {
  const [reading, state] = await Promise.all([
    serverSettings.readMaxConnections(),
    serverHost?.readState(),
  ]);
  return { reading, serverHost: state, to: requested ?? raiseMaxConnections(reading.inForce) };
}

/** The setting is as it was, and nothing speaks against the change that did not before. */
async function recheckChange(ports: OptionBPorts, plan: Plan): Promise<Recheck> {
  const [target] = settingsOf(plan.targets);
  const to = numberOf(plan.ask);
  if (target === undefined || to === undefined) return { left: [], skipped: [] };
  const flight = await readPreflight(ports, to);
  const answer = preflight(flight, ports.byHand);
  const reason = answer.ok ? whyChanged(target, toTarget(flight.reading, to)) : answer.refusal.why;
  if (reason === undefined) return { left: [target], skipped: [] };
  return { left: [], skipped: [{ what: target.name, label: '', reason }] };
}

function whyChanged(planned: SettingTarget, now: SettingTarget): string | undefined {
  const isSame =
    planned.from === now.from &&
    planned.to === now.to &&
    planned.inForce === now.inForce &&
    planned.source === now.source;
  return isSame ? undefined : 'it was changed since';
}

function toChange(plan: Plan, left: Plan['targets'], control: RunControl): Change {
  const [target] = settingsOf(left);
  const to = numberOf(plan.ask);
  if (target === undefined || to === undefined) throw new Error('This plan sets nothing.');
  return { target, to, control };
}

function settingsOf(targets: Plan['targets']): SettingTarget[] {
  return targets.filter((target) => target.kind === 'setting');
}
