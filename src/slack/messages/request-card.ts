import type { ApprovalRequest } from '../../runbook/approval/request.ts';
import type { Stop } from '../../runbook/snapshot/ports.ts';
import { isOpen } from '../../runbook/approval/request.ts';
import { notBegun } from '../cards/course.ts';
import type { RunProgress } from '../cards/course.ts';
import { requestButtons } from './request-buttons.ts';
import { commandList } from './parts/commands.ts';
import { requestStatus, nextStep, requestTitle, troubleList } from './request-status.ts';
import { mentioning } from './parts/mentions.ts';
import { header, smallPrint, toMessage } from './parts/message.ts';
import type { Message, MessageBlock } from './parts/message.ts';
import { costsAndBenefits, skippedList } from './parts/plan.ts';
import { between, bold, paragraph, quote, richText } from './parts/rich-text.ts';
import { stepsList } from './parts/steps.ts';
import { targetsOf } from './plan-targets.ts';

/** What a card shows beside its request. */
interface Scene {
  readonly runProgress: RunProgress;
  /** The emergency stop, where one is set. */
  readonly stop: Stop | null;
}

const calm: Scene = { runProgress: notBegun, stop: null };

/**
 * The live message of a request: what exactly would be done, who stands behind it, and what became of it.
 * Text out of the database stands in cells and code only, so that it cannot pass for the card's own words.
 */
export function requestCard(
  request: ApprovalRequest,
  { runProgress, stop }: Scene = calm,
): Message {
  const { mark, line } = requestTitle(request);
  const { plan, hash, id } = request;
  return toMessage(line, [
    header(`${mark} ${line}`),
    ...(stop === null || !isOpen(request) ? [] : stopNotice(stop)),
    ...(stop === null ? commandList(request) : []),
    ...requestStatus(request),
    ...stepsList(request, runProgress),
    ...troubleList(request),
    ...nextStep(request),
    ...targetsOf(plan),
    ...skippedList(plan),
    ...costsAndBenefits(plan),
    ...requestButtons(request),
    ...smallPrint([`request ${id} · plan ${hash.slice(0, 12)}`]),
  ]);
}

/** Nothing runs while it is set, whatever the rest of the card says. */
function stopNotice({ by, reason, lift }: Stop): MessageBlock[] {
  const sentence = [
    bold('⛔ All changes are stopped'),
    between(', by '),
    ...mentioning(by),
    between('. '),
    ...mentioning(lift ?? 'An approver lets them run again with /dbconn go.'),
  ];
  return [richText(paragraph(...sentence), ...(reason === '' ? [] : [quote(reason)]))];
}
