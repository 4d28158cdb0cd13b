import { nameOf } from '../runbook/remedies/action.ts';
import type { Plan } from '../runbook/remedies/plan.ts';
import type { Refusal } from '../runbook/remedies/remedy.ts';
import { capital } from '../runbook/snapshot/wording.ts';
import { wrap } from './render/layout.ts';
import type { Paint } from './render/layout.ts';
import { targetTables } from './plan-targets.ts';

/** What would be done, in full, for whoever decides about it. */
export function renderPlan(plan: Plan, paint: Paint): string {
  const { option, target, title, subject, targets, steps, spared, sparedTotal } = plan;
  const { cost, frees, undo, risk, byHand } = plan;
  const point = (word: string, text: string): string => wrap(`${word}: ${text}`, '  ');
  return [
    paint('bold', `${capital(nameOf(option))} for ${target}: ${title}`),
    ...(subject === null ? [] : [point('About', subject)]),
    ...(byHand === undefined ? [] : [point('By hand', byHand.why)]),
    '',
    targetTables(targets),
    '',
    ...steps.map((sentence, index) => point(`${index + 1}`, sentence)),
    ...(sparedTotal === 0 ? [] : [paint('bold', `Spared: ${sparedTotal}`)]),
    ...spared.map(({ what, label, reason }) => point(`${what} ${label}`.trim(), reason)),
    ...(sparedTotal > spared.length ? [`  and ${sparedTotal - spared.length} more`] : []),
    point('Brings', frees.sentence),
    ...cost.map((line) => point('Costs', line)),
    point('Undo', undo),
    point('Risk', risk),
  ].join('\n');
}

/** Why something was not done, and what to do next; people stand there by their Slack ids. */
export function renderRefusal({ why, next }: Refusal): string {
  return wrap(withoutMentions(`${why} ${next}`));
}

export function withoutMentions(text: string): string {
  return text.replaceAll(/<@([UW][A-Z0-9]+)>/g, '$1').replaceAll(/<!subteam\^(S\w+)>/g, '$1');
}
