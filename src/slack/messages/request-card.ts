import { commandsFor } from '../../runbook/approvals/by-hand.ts';
import type { Stop } from '../../runbook/approvals/journal.ts';
import { isOpen } from '../../runbook/approvals/request.ts';
import type { ApprovalRequest } from '../../runbook/approvals/request.ts';
import { nameOf } from '../../runbook/remedies/remedy-request.ts';
import type { StepProgress } from '../../runbook/remedies/remedy.ts';
import { topic } from './diagnosis-parts.ts';
import { header, smallPrint, toMessage } from './kit/message.ts';
import type { Message, MessageBlock } from './kit/message.ts';
import {
  actorLeaf,
  bold,
  bullets,
  code,
  commandText,
  mentioning,
  moment,
  paragraph,
  plain,
  quote,
  richText,
  titledList,
  rich,
} from './kit/rich-text.ts';
import type { Leaf } from './kit/rich-text.ts';
import { allTargets, targetsOf } from './plan-targets.ts';
import { costsAndBenefits, notBegun, skippedList, stepsList } from './plan.ts';
import type { RunProgress } from './plan.ts';
import { requestButtons } from './request-buttons.ts';
import {
  nextStep,
  requestStatus,
  requestTitle,
  troubleList,
  whereItStands,
} from './request-status.ts';

/** What a person runs, in full: a command that is cut would be another one. Nothing before it is approved, and after. */
function commandList(request: ApprovalRequest): MessageBlock[] {
  const shown = commandsFor(request);
  if (shown === undefined || request.handOff === null) return [];
  const { notes, commands } = shown;
  const lead = paragraph(
    rich`${bold('Run this by hand')}, until ${moment(request.handOff.until)}${plain(commands.length === 0 ? ':' : ', in a shell, and press “I ran it”:')}`,
  );
  return [
    richText(lead),
    ...titledList(
      'Before',
      notes.map((note) => [plain(note)]),
    ),
    ...commands.map((command) => richText(commandText(command))),
  ];
}

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
    ...rich`${bold('⛔ All changes are stopped')}, by `,
    ...mentioning(by),
    ...rich`. `,
    ...mentioning(lift ?? 'An approver lets them run again with /dbconn go.'),
  ];
  return [richText(paragraph(sentence), ...(reason === '' ? [] : [quote(reason)]))];
}

/** One thing that happened, for the thread; nothing where the card alone tells it. */
export function progressLine(request: ApprovalRequest, update?: StepProgress): Leaf[] | undefined {
  if (update?.kind === 'progress') return undefined;
  if (update !== undefined) return [plain(update.sentence)];
  const { state, votes, votesNeeded, closing, execution, result, plan } = request;
  switch (state) {
    case 'proposed':
    case 'approved': {
      const last = votes.at(-1);
      if (last === undefined) return undefined;
      return rich`${actorLeaf(last.by)} ${plain(`approved it (${votes.length} of ${votesNeeded}).`)}`;
    }
    case 'executing':
      return execution === null || execution.left === 0
        ? [plain('It begins: the targets are held against the plan.')]
        : [plain(`${execution.left} of ${plan.targets.length} targets are still as approved.`)];
    case 'handed':
      return [plain('Its commands are on the card: a person runs them, and presses “I ran it”.')];
    case 'verifying':
      if (request.handOff?.ranBy && result?.report.items.length === 0) {
        return rich`${actorLeaf(request.handOff.ranBy.by)} ${plain('ran it by hand.')}`;
      }
      return rich`${bold('Done:')} ${result?.report.summary ?? ''}`;
    case 'done': {
      const outcome = result?.outcome ?? null;
      if (outcome === null) return undefined;
      return rich`${bold(`${whereItStands(request).word}.`)} ${outcome.sentence}`;
    }
    default: {
      const by = closing?.by ?? null;
      const sentence = [bold(closing?.sentence ?? `It is ${state}.`)];
      return by === null ? sentence : [...sentence, ...rich` ${actorLeaf(by)}`];
    }
  }
}

/** Steps for the thread, several in one message where they came faster than Slack takes them. */
export function progressMessage(
  request: ApprovalRequest,
  lines: readonly (readonly Leaf[])[],
): Message {
  const [first = [plain('–')], ...others] = lines;
  const text = `News of ${nameOf(request.option)} for ${request.target}: ${lines.length} ${lines.length === 1 ? 'step' : 'steps'}`;
  const shown = others.length === 0 ? paragraph(first) : bullets(lines);
  return toMessage(text, [richText(shown)]);
}

/** The whole list of targets, where the card had to cut it. */
export function fullListMessages(request: ApprovalRequest): readonly Message[] {
  const parts = allTargets(request.plan);
  return parts.map((blocks, index) =>
    toMessage(`All targets of the proposal, part ${index + 1} of ${parts.length}`, blocks),
  );
}

/** The requests that have not come to their end, oldest first. */
export function requestsMessage(open: readonly ApprovalRequest[]): Message {
  const line =
    open.length === 0
      ? 'Nothing is proposed, and nothing runs.'
      : `${open.length} open ${open.length === 1 ? 'request' : 'requests'}`;
  return toMessage(line, [topic(line, open.map(requestLeaves))]);
}

function requestLeaves(request: ApprovalRequest): Leaf[] {
  const { id, proposedBy, proposedAt, votes, votesNeeded } = request;
  return rich`${code(id)} ${bold(requestTitle(request).line)}, by ${actorLeaf(proposedBy)} at ${moment(proposedAt)}${plain(`, ${votes.length} of ${votesNeeded} votes`)}`;
}
