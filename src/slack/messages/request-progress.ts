import type { ApprovalRequest } from '../../runbook/approval/request.ts';
import { nameOf } from '../../runbook/remedies/action.ts';
import type { StepProgress } from '../../runbook/remedies/remedy.ts';
import { whereItStands } from './request-status.ts';
import { toMessage } from './parts/message.ts';
import type { Message } from './parts/message.ts';
import { actorLeaf } from './parts/mentions.ts';
import { allTargets } from './plan-targets.ts';
import { between, bold, bullets, paragraph, plain, richText } from './parts/rich-text.ts';
import type { Leaf } from './parts/rich-text.ts';

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
      return [
        actorLeaf(last.by),
        between(' '),
        plain(`approved it (${votes.length} of ${votesNeeded}).`),
      ];
    }
    case 'executing':
      return execution === null || execution.left === 0
        ? [plain('It begins: the targets are held against the plan.')]
        : [plain(`${execution.left} of ${plan.targets.length} targets are still as approved.`)];
    case 'handed':
      return [plain('Its commands are on the card: a person runs them, and presses “I ran it”.')];
    case 'verifying':
      if (request.handOff?.ranBy && result?.report.items.length === 0) {
        return [actorLeaf(request.handOff.ranBy.by), between(' '), plain('ran it by hand.')];
      }
      return [bold('Done:'), between(' '), plain(result?.report.summary ?? '')];
    case 'done': {
      const outcome = result?.outcome ?? null;
      if (outcome === null) return undefined;
      return [bold(`${whereItStands(request).word}.`), between(' '), plain(outcome.sentence)];
    }
    default: {
      const by = closing?.by ?? null;
      const sentence = [bold(closing?.sentence ?? `It is ${state}.`)];
      return by === null ? sentence : [...sentence, between(' '), actorLeaf(by)];
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
  const shown = others.length === 0 ? paragraph(...first) : bullets(lines);
  return toMessage(text, [richText(shown)]);
}

/** The whole list of targets, where the card had to cut it. */
export function fullListMessages(request: ApprovalRequest): readonly Message[] {
  const parts = allTargets(request.plan);
  return parts.map((blocks, index) =>
    toMessage(`All targets of the proposal, part ${index + 1} of ${parts.length}`, blocks),
  );
}
