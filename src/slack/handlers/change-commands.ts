import type { Actor, ApprovalRequest } from '../../runbook/approvals/request.ts';
import type { Command } from '../../runbook/commands/parse-command.ts';
import { toRemedyRequest } from '../../runbook/commands/parse-remedy.ts';
import { nameOf } from '../../runbook/remedies/remedy-request.ts';
import type { RemedyRequest } from '../../runbook/remedies/remedy-request.ts';
import type { Answer } from '../../runbook/remedies/remedy.ts';
import type { Message } from '../messages/kit/message.ts';
import { notice, refusalMessage } from '../messages/notice.ts';
import { planMessage } from '../messages/plan.ts';
import { requestsMessage } from '../messages/request-card.ts';
import type { Asker } from './answer.ts';
import { answerInTime } from './deps.ts';
import type { ActionContext, CommandDeps } from './deps.ts';
import { callForHelp, letGo, stopAll } from './emergency-commands.ts';
import { answerIncident } from './incident-commands.ts';

export interface RemedyInput {
  readonly target: string;
  readonly ask: RemedyRequest;
  /** The request this one asks again for. */
  readonly supersedes?: string;
}

/** Proposes it, and answers once its card stands in the incident channel. */
export function proposeRemedy(
  { changes, actor }: ActionContext,
  input: RemedyInput,
): Promise<Message> {
  return showProposal(changes, () => changes.approvals.propose({ ...input, actor }));
}

/** Shows its plan to one person. */
async function previewRemedy(
  { changes }: ActionContext,
  { target, ask }: RemedyInput,
): Promise<Message> {
  const planned = await changes.approvals.preview(target, ask);
  return planned.ok ? planMessage(planned.value) : refusalMessage(planned.refusal);
}

/** What is answered to whoever had a proposal made, by whatever way. */
export async function showProposal(
  { cards }: ActionContext['changes'],
  propose: () => Promise<Answer<ApprovalRequest>>,
): Promise<Message> {
  if (cards.channel === undefined) return notice(noChannel);
  const proposed = await propose();
  if (!proposed.ok) return refusalMessage(proposed.refusal);
  const { id, plan } = proposed.value;
  const problem = await cards.shown(id);
  return notice(
    problem === undefined
      ? `Proposed: ${plan.title}. It waits for approval in the incident channel.`
      : `It is recorded, but its card could not be posted in the incident channel (${problem}). Invite the bot there with /invite @dbconn; it tries again by itself every half minute.`,
  );
}

const noChannel =
  'There is no incident channel where a proposal could be approved. Set slack.channel in dbconn.yml to the id of #database.';

type Change = Exclude<Command, { kind: 'look' | 'help' | 'record' }>;

interface ChangeInput {
  readonly command: Change;
  readonly actor: Actor;
  readonly signal: AbortSignal;
}

/** Answers a word that sets something in motion: privately, while what concerns all is posted for all. */
export async function answerChange(
  deps: CommandDeps,
  asker: Asker,
  { command, actor, signal }: ChangeInput,
): Promise<void> {
  const { answer, changes } = deps;
  if (changes === undefined) {
    await answer(asker, 'caller', notice('This dbconn only looks; nothing can be proposed here.'));
    return;
  }
  const task = taskOf({ deps, changes, actor }, command);
  const otherwise = 'target' in command ? `/dbconn doctor ${command.target}` : '/dbconn doctor';
  const { message } = await answerInTime(deps, asker, { ...task, otherwise, signal });
  await answer(asker, 'caller', message);
}

interface Named {
  readonly work: () => Promise<Message>;
  readonly doing: string;
  readonly name: string;
}

function taskOf(context: ActionContext, command: Change): Named {
  switch (command.kind) {
    case 'propose': {
      const plan = `plan of ${nameOf(command.remedyCommand.option)} for ${command.target}`;
      return { work: () => propose(context, command), doing: `making the ${plan}`, name: plan };
    }
    case 'requests':
      return { work: () => listOpen(context), doing: 'reading the journal', name: 'list' };
    case 'break-glass':
      return {
        work: () => breakGlass(context, command),
        doing: 'breaking the glass',
        name: 'exception',
      };
    case 'stop':
      return { work: () => stopAll(context, command.reason), doing: 'stopping', name: 'stop' };
    case 'go':
      return { work: () => letGo(context, command.reason), doing: 'lifting the stop', name: 'go' };
    case 'incident':
      return {
        work: () => answerIncident(context, command),
        doing: 'answering about incidents',
        name: 'answer about incidents',
      };
    default:
      return {
        work: () => callForHelp(context, command),
        doing: 'calling for help',
        name: 'call for help',
      };
  }
}

async function propose(
  context: ActionContext,
  { remedyCommand, target: name, isPreview }: Extract<Change, { kind: 'propose' }>,
): Promise<Message> {
  const target = context.deps.runbook.targets.find((candidate) => candidate.name === name);
  if (target === undefined) return notice('No target is configured. Add one to dbconn.yml.');
  const input = { target: name, ask: toRemedyRequest(remedyCommand, target.limits) };
  return isPreview ? previewRemedy(context, input) : proposeRemedy(context, input);
}

async function listOpen({ changes }: ActionContext): Promise<Message> {
  const open = await changes.approvals.list();
  return open.ok ? requestsMessage(open.value) : refusalMessage(open.refusal);
}

async function breakGlass(
  { changes, actor }: ActionContext,
  { id, reason }: Extract<Change, { kind: 'break-glass' }>,
): Promise<Message> {
  const broken = await changes.approvals.breakGlass(id, actor, reason);
  if (!broken.ok) return refusalMessage(broken.refusal);
  return notice(
    'It begins without the votes it needs, and everybody is told who did that and why.',
  );
}

/** What somebody is told of the vote they just gave. */
export function voteMessage(decided: Answer<ApprovalRequest>): Message {
  return decided.ok ? notice(confirmation(decided.value)) : refusalMessage(decided.refusal);
}

function confirmation({ state, votes, votesNeeded, plan }: ApprovalRequest): string {
  if (state === 'denied') return 'You denied it; nothing runs.';
  if (state === 'withdrawn') return 'You withdrew it; nothing runs.';
  if (state === 'proposed') {
    return `Your vote counts: ${votes.length} of ${votesNeeded}. It waits for the others.`;
  }
  if (plan.byHand !== undefined) {
    return 'Your vote counts, and it was the last one needed: its commands show on the card, for a person to run.';
  }
  return 'Your vote counts, and it was the last one needed: it begins. Its thread tells each step.';
}
