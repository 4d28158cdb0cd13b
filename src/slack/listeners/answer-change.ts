import type { Actor } from '../../runbook/approval/actor.ts';
import type { Command } from '../../runbook/commands/parse-command.ts';
import { nameOf } from '../../runbook/remedies/action.ts';
import { toRemedyRequest } from '../../runbook/commands/parse-remedy.ts';
import type { Asker } from '../answer.ts';
import { notice } from '../messages/notice.ts';
import type { Message } from '../messages/parts/message.ts';
import { refusalMessage } from '../messages/refusal.ts';
import { requestsMessage } from '../messages/requests.ts';
import type { ActionContext } from './acting.ts';
import { answerIncident } from './answer-incident.ts';
import { callForHelp } from './call-for-help.ts';
import type { CommandDeps } from './command-deps.ts';
import { answerInTime } from './patiently.ts';
import { previewRemedy, proposeRemedy } from './propose-ask.ts';
import { letGo, stopAll } from './stop-and-go.ts';

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
