import type { Check } from '../diagnose/doctor.ts';
import { count, list } from '../snapshot/words.ts';
import type { EscalationStep } from './policy.ts';
import { callChannelsTo } from './ways.ts';
import type { Reach } from './ways.ts';
import { roleName } from './wording.ts';

/** Whether a target's incidents reach anybody: a policy is found wanting on a quiet day, or in the night it is for. */
export function checkEscalation(steps: readonly EscalationStep[], reach: Reach): Check[] {
  const subject = 'Configuration';
  if (steps.length === 0) {
    const summary = 'Incidents call nobody.';
    const fix = 'Set contacts of the target, or escalation, in dbconn.yml.';
    return [{ subject, state: 'off', summary, fix }];
  }
  const roles = [...new Set(steps.map(({ who }) => who))];
  const unreached = roles.filter((who) => !isReached(who, reach));
  if (unreached.length > 0) {
    const summary = `Steps of the escalation are for ${list(unreached.map(roleName))}, who cannot be reached.`;
    const fix = 'Set contacts, slack.channel or pager in dbconn.yml.';
    return [{ subject, state: 'missing', summary, fix }];
  }
  const woken = reach.pager === undefined ? 'nobody is paged' : `${reach.pager.name} wakes people`;
  const summary = `Incidents call ${list(roles.map(roleName))} in ${count(steps.length, 'step')}; ${woken}.`;
  return [{ subject, state: 'ok', summary }];
}

/** A line in the channel that mentions nobody reaches nobody at night. */
function isReached(who: EscalationStep['who'], reach: Reach): boolean {
  return callChannelsTo(who, reach).some(
    (callChannel) => callChannel.via !== 'channel' || callChannel.mention !== null,
  );
}
