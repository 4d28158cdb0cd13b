import type { Action } from '../action.ts';
import { PrivilegedUnavailable } from '../acting-unavailable.ts';
import type { Plan, PlanTarget } from '../plan.ts';
import type { Remedy } from '../remedy.ts';
import type { Item } from '../report.ts';
import type { SettingTarget } from '../targets/setting.ts';
import type { Planner } from './planner.ts';

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
      ? { ...item, outcome: 'still there', detail: 'A look found it as it was.' }
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

/** A plan made anew tells what is in force: one that has nothing to do has it already. */
async function readSetting(remedy: Remedy, { ask, targets }: Plan): Promise<Item[]> {
  const planned = settingOf(targets);
  const again = await remedy.propose(ask);
  const item = { what: planned.name, lines: [] };
  if (!again.ok && again.refusal.kind === 'unreachable') {
    // Such as a server that is starting again: whoever asked asks once more.
    throw new PrivilegedUnavailable(again.refusal.why);
  }
  const now = again.ok ? settingOf(again.value.targets) : undefined;
  const isSet = again.ok ? now?.inForce === planned.to : again.refusal.kind === 'nothing-to-do';
  if (isSet) return [{ ...item, outcome: 'set', detail: 'It was read back.' }];
  const inForceNote = now === undefined ? '' : ` ${now.inForce} is in force.`;
  return [{ ...item, outcome: 'not reached', detail: `It was not read back.${inForceNote}` }];
}

function settingOf(targets: Plan['targets']): SettingTarget {
  const setting = targets.find((target) => target.kind === 'setting');
  if (setting === undefined) throw new Error('This plan sets nothing.');
  return setting;
}
