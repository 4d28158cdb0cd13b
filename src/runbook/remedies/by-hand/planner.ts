import type { SkipReason } from '../../diagnose/protected-sessions.ts';
import type { Target } from '../../snapshot/target.ts';
import type { PrivilegedConnection } from '../a-terminate-idle/ports.ts';
import type { Blockers } from '../d-stop-blockers/ports.ts';
import type { Plan, PlanTarget, SettingTarget } from '../plan.ts';
import type { Action } from '../remedy-request.ts';
import { PrivilegedUnavailable } from '../remedy.ts';
import type { Item, Remedy } from '../remedy.ts';
import type { ReplicaPorts } from '../replicas/service-replicas.ts';

type Roles = Pick<Target, 'applicationRoles'>;

/**
 * Who may be ended when a person with every right does it: sessions that only lacked the acting role's rights. Signals
 * nobody: anyone who holds this can only plan.
 */
export function planningConnection(
  privileged: PrivilegedConnection,
  target: Roles,
): PrivilegedConnection {
  return {
    act: (work) =>
      privileged.act((session) =>
        work({
          async readTerminateCandidates(query) {
            const read = await session.readTerminateCandidates(query);
            const sessions = read.sessions.map((one) => ({
              ...one,
              skipped: whyStillSkipped(one, target),
            }));
            return { ...read, sessions };
          },
          terminateSessions: () => Promise.reject(new Error(onlyPlans)),
          readRemainingSessions: (sessions) => session.readRemainingSessions(sessions),
        }),
      ),
  };
}

/** The same of those that others wait for. */
export function planningBlockers(blockers: Blockers, target: Roles): Blockers {
  const judged = <T extends Judged>(found: readonly T[]): T[] =>
    found.map((one) => ({ ...one, skipped: whyStillSkipped(one, target) }));
  return {
    act: (work) =>
      blockers.act((session) =>
        work({
          readWaits: () => session.readWaits(),
          readWaiters: (pids) => session.readWaiters(pids),
          readBlockers: async (pids, guard) => judged(await session.readBlockers(pids, guard)),
          readSlow: async (slow, guard) => judged(await session.readSlow(slow, guard)),
          signalBlocker: () => Promise.reject(new Error(onlyPlans)),
        }),
      ),
  };
}

const onlyPlans = 'A plan for a person is never run by dbconn.';

interface Judged {
  readonly identity: { readonly user: string };
  readonly skipped: SkipReason | null;
}

/** `superuser` is also said of an application's superuser where the acting role is none itself. */
function whyStillSkipped(
  { identity, skipped }: Judged,
  { applicationRoles }: Roles,
): SkipReason | null {
  if (skipped === 'no privilege') return null;
  return skipped === 'superuser' && applicationRoles.includes(identity.user) ? null : skipped;
}

/** One option as a plan that somebody else runs. Nothing here changes anything. */
export interface Planner extends Pick<Remedy, 'option' | 'propose' | 'recheck'> {
  /**
   * What a look tells of the plan's targets afterwards. Throws PrivilegedUnavailable where nobody can look now.
   * @param since when the commands were shown; UTC ISO text
   */
  readBack(plan: Plan, since: string): Promise<readonly Item[]>;
}

export type PlannerPorts = Pick<
  ReplicaPorts,
  'takeSnapshot' | 'clock' | 'target' | 'refusedServices'
>;

/** An option that plans as it always does, and is never run. */
export function planOf(option: Action, remedy: () => Remedy): Planner {
  return {
    option,
    propose: (ask) => remedy().propose(ask),
    recheck: (plan) => remedy().recheck(plan),
    readBack: (plan) =>
      isSetting(plan) ? readSetting(remedy(), plan) : readTargets(remedy(), plan),
  };
}

function isSetting({ targets }: Plan): boolean {
  return targets.some(({ kind }) => kind === 'setting');
}

/** What is as it was approved was not touched. */
async function readTargets(remedy: Remedy, plan: Plan): Promise<Item[]> {
  const { left } = await remedy.recheck(plan);
  const same = new Set(left);
  return plan.targets.map((target): Item => {
    const item = { what: nameOf(target), lines: [] };
    return same.has(target)
      ? { ...item, outcome: 'still there', detail: 'A check found it unchanged.' }
      : { ...item, outcome: outcomeOf(target), detail: 'It is no longer what was approved.' };
  });
}

function nameOf(target: PlanTarget): string {
  return target.kind === 'session' || target.kind === 'blocker'
    ? `pid ${target.identity.pid}`
    : 'prepared transaction';
}

function outcomeOf(target: PlanTarget): Item['outcome'] {
  if (target.kind === 'prepared') return 'already gone';
  return target.kind === 'blocker' && target.how === 'cancel' ? 'cancelled' : 'ended';
}

/** A new plan tells what is in force: one that has nothing to do has it already. */
async function readSetting(remedy: Remedy, { ask, targets }: Plan): Promise<Item[]> {
  const planned = settingOf(targets);
  const again = await remedy.propose(ask);
  const item = { what: planned.name, lines: [] };
  if (!again.ok && again.refusal.kind === 'unreachable') {
    // Such as a server that is starting again: the person who asked asks once more.
    throw new PrivilegedUnavailable(again.refusal.why);
  }
  const now = again.ok ? settingOf(again.value.targets) : undefined;
  const isSet = again.ok ? now?.inForce === planned.to : again.refusal.kind === 'nothing-to-do';
  if (isSet) return [{ ...item, outcome: 'set', detail: 'The new value is in force.' }];
  const inForceNote = now === undefined ? '' : ` It is ${now.inForce}.`;
  return [
    { ...item, outcome: 'not reached', detail: `The new value is not in force.${inForceNote}` },
  ];
}

function settingOf(targets: Plan['targets']): SettingTarget {
  const setting = targets.find((target) => target.kind === 'setting');
  if (setting === undefined) throw new Error('This plan sets nothing.');
  return setting;
}
