import { nameOf } from '../../runbook/remedies/action.ts';
import type { Plan } from '../../runbook/remedies/plan.ts';
import { header, smallPrint, toMessage } from './parts/message.ts';
import type { Message } from './parts/message.ts';
import { costsAndBenefits, skippedList } from './parts/plan.ts';
import { plain, titledList } from './parts/rich-text.ts';
import { mostTargetsOf } from './plan-targets.ts';

/** A plan that nobody proposed: what would be done, and that nothing was recorded. */
export function planMessage(plan: Plan): Message {
  const line = `Preview, ${nameOf(plan.option)} for ${plan.target}: ${plan.title}`;
  const steps = plan.steps.slice(0, 12).map((sentence) => [plain(sentence)]);
  return toMessage(line, [
    header(line),
    ...titledList('By hand', plan.byHand === undefined ? [] : [[plain(plan.byHand.why)]]),
    ...titledList('What would happen', steps, 'ordered'),
    ...mostTargetsOf(plan),
    ...skippedList(plan),
    ...costsAndBenefits(plan),
    ...smallPrint(['A preview for you alone: nothing was recorded, and nothing runs.']),
  ]);
}
