import { commandsFor } from '../../runbook/approvals/by-hand.ts';
import type { Stop } from '../../runbook/approvals/journal.ts';
import { isOpen } from '../../runbook/approvals/request.ts';
import type { ApprovalRequest } from '../../runbook/approvals/request.ts';
import { nameOf } from '../../runbook/remedies/remedy-request.ts';
import type { StepProgress } from '../../runbook/remedies/remedy.ts';
import { count } from '../../runbook/snapshot/words.ts';
import { topic } from './diagnosis-parts.ts';
import { header, smallPrint, toMessage } from './kit/message.ts';
import type { Message, MessageBlock } from './kit/message.ts';
import {
  actorLeaf,
  between,
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
import { furtherCosts, notBegun, skippedList, stepsList, stepsTaken } from './plan.ts';
import type { RunProgress } from './plan.ts';
import { requestButtons } from './request-buttons.ts';
import {
  nextStep,
  noCircumstances,
  requestText,
  requestStatus,
  requestTitle,
  troubleList,
  whereItStands,
} from './request-status.ts';
import type { Circumstances } from './request-status.ts';

/** What a person runs, in full: a command that is cut would be another one. Nothing before it is approved, and after. */
function commandList(request: ApprovalRequest): MessageBlock[] {
  const shown = commandsFor(request);
  if (shown === undefined || request.handOff === null) return [];
  const { notes, commands } = shown;
  const lead = paragraph(
    rich`${bold('Run this by hand')}, before ${moment(request.handOff.until)}${plain(commands.length === 0 ? ':' : ', in a shell, then press “I ran it”:')}`,
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
  readonly circumstances?: Circumstances;
}

const calm: Scene = { runProgress: notBegun, stop: null };

/**
 * The live message of a request, in the order people ask: what it does, who wants it and why, what is lost and gained,
 * the buttons; then the details. Text out of the database stands in cells and code only, so that it cannot pass for the
 * card's own words.
 */
export function requestCard(request: ApprovalRequest, scene: Scene = calm): Message {
  const { runProgress, stop, circumstances = noCircumstances } = scene;
  const { mark, line } = requestTitle(request);
  const { hash, id } = request;
  return toMessage(requestText(request), [
    header(`${mark} ${line}`),
    ...obstacles(request, stop, circumstances),
    ...(stop === null ? commandList(request) : []),
    ...requestStatus(request, circumstances),
    ...troubleList(request),
    ...nextStep(request),
    ...requestButtons(request),
    ...details(request, runProgress),
    ...smallPrint([`request ${id} · plan ${hash.slice(0, 12)}`]),
  ]);
}

/** What exactly is done, while that can still matter to somebody. */
function details(request: ApprovalRequest, runProgress: RunProgress): MessageBlock[] {
  const { plan, state } = request;
  if (!isOpen(request)) return [];
  const steps = stepsList(request, runProgress);
  if (state === 'verifying') return steps;
  return [...steps, ...targetsOf(plan), ...furtherCosts(plan), ...skippedList(plan)];
}

/** What keeps it from running, said before anybody votes. */
function obstacles(
  request: ApprovalRequest,
  stop: Stop | null,
  { coolingUntil }: Circumstances,
): MessageBlock[] {
  if (stop !== null && isOpen(request)) return stopNotice(stop);
  if (coolingUntil === null || request.state !== 'proposed') return [];
  return [
    richText(
      paragraph(
        rich`${bold('⏳ Cooldown:')} ${plain('the same change ran a short time ago. It can be approved from')} ${moment(coolingUntil)}.`,
      ),
    ),
  ];
}

/** Nothing runs while it is set, whatever the rest of the card says. */
function stopNotice({ by, reason, lift }: Stop): MessageBlock[] {
  const sentence = [
    ...rich`${bold('⛔ All changes are stopped')} by `,
    ...mentioning(by),
    ...rich`. `,
    ...mentioning(lift ?? 'An approver can resume them with /dbconn go.'),
  ];
  return [richText(paragraph(sentence), ...(reason === '' ? [] : [quote(reason)]))];
}

/** What the card cannot tell, for the thread: nothing of what it shows is said twice. */
export function progressLine(update?: StepProgress): Leaf[] | undefined {
  return update?.kind === 'note' ? [plain(update.sentence)] : undefined;
}

/** The last word of its thread: how it ended, each step, and the end of the journal's chain. */
export function endMessage(
  request: ApprovalRequest,
  runProgress: RunProgress,
  head: { readonly seq: number; readonly hash: string } | undefined,
): Message {
  const by = request.closing?.by ?? null;
  const { word } = whereItStands(request);
  const ending = by === null ? [] : rich` by ${actorLeaf(by)}`;
  return toMessage(requestText(request), [
    richText(paragraph([bold(word), ...ending, between('.')])),
    ...stepsTaken(request, runProgress),
    ...(head === undefined ? [] : smallPrint([`journal entry ${head.seq}, ${head.hash}`])),
  ]);
}

/** Lines for the thread, several in one message where they came faster than Slack takes them. */
export function progressMessage(
  request: ApprovalRequest,
  lines: readonly (readonly Leaf[])[],
): Message {
  const [first = [plain('–')], ...others] = lines;
  const text = `News of ${nameOf(request.option)} for ${request.target}: ${count(lines.length, 'line')}`;
  const shown = others.length === 0 ? paragraph(first) : bullets(lines);
  return toMessage(text, [richText(shown)]);
}

/** Every target by its pid or name, where the card groups or cuts them. */
export function fullListMessages(request: ApprovalRequest): readonly Message[] {
  const { length } = request.plan.targets;
  const text = `All ${count(length, 'target')} of ${nameOf(request.option)} for ${request.target}`;
  return allTargets(request.plan).map((blocks) => toMessage(text, blocks));
}

/** The requests that have not come to their end, oldest first. */
export function requestsMessage(open: readonly ApprovalRequest[]): Message {
  const line =
    open.length === 0
      ? 'No request is open. /dbconn status shows what can be proposed.'
      : count(open.length, 'open request');
  return toMessage(line, [topic(line, open.map(requestLeaves))]);
}

function requestLeaves(request: ApprovalRequest): Leaf[] {
  const { id, target, proposedBy, proposedAt, votes, votesNeeded } = request;
  return rich`${code(id)} ${bold(requestTitle(request).line)}${plain(` · ${target}`)} · ${actorLeaf(proposedBy)} · ${moment(proposedAt)}${plain(` · ${votes.length} of ${count(votesNeeded, 'approval')}`)}`;
}
