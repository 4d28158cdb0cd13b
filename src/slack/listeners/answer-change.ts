import type { Actor } from '../../runbook/approval/actor.ts';
import type { Command } from '../../runbook/commands.ts';
import { nameOf } from '../../runbook/remedies/action.ts';
import { toAsk } from '../../runbook/remedies/wanted.ts';
import type { Asker } from '../answer.ts';
import { notice } from '../messages/notice.ts';
import type { Message } from '../messages/parts/message.ts';
import { refusalMessage } from '../messages/refusal.ts';
import { requestsMessage } from '../messages/requests.ts';
import type { Acting } from './acting.ts';
import { answerIncident } from './answer-incident.ts';
import { callForHelp } from './call-for-help.ts';
import type { CommandDeps } from './command-deps.ts';
import { patiently } from './patiently.ts';
import { previewAsk, proposeAsk } from './propose-ask.ts';
import { letGo, stopAll } from './stop-and-go.ts';

type Change = Exclude<Command, { kind: 'look' | 'help' | 'record' }>;

interface Asking {
  readonly command: Change;
  readonly actor: Actor;
  readonly signal: AbortSignal;
}

/** Answers a word that sets something in motion: privately, while what concerns all is posted for all. */
export async function answerChange(
  deps: CommandDeps,
  asker: Asker,
  { command, actor, signal }: Asking,
): Promise<void> {
  const { answer, changes } = deps;
  if (changes === undefined) {
    await answer(asker, 'caller', notice('This dbconn only looks; nothing can be proposed here.'));
    return;
  }
  const task = taskOf({ deps, changes, actor }, command);
  const otherwise = 'target' in command ? `/dbconn doctor ${command.target}` : '/dbconn doctor';
  const { message } = await patiently(deps, asker, { ...task, otherwise, signal });
  await answer(asker, 'caller', message);
}

interface Named {
  readonly work: () => Promise<Message>;
  readonly doing: string;
  readonly name: string;
}

function taskOf(acting: Acting, command: Change): Named {
  switch (command.kind) {
    case 'propose': {
      const plan = `plan of ${nameOf(command.wanted.option)} for ${command.target}`;
      return { work: () => propose(acting, command), doing: `making the ${plan}`, name: plan };
    }
    case 'requests':
      return { work: () => listOpen(acting), doing: 'reading the journal', name: 'list' };
    case 'break-glass':
      return {
        work: () => breakGlass(acting, command),
        doing: 'breaking the glass',
        name: 'exception',
      };
    case 'stop':
      return { work: () => stopAll(acting, command.reason), doing: 'stopping', name: 'stop' };
    case 'go':
      return { work: () => letGo(acting, command.reason), doing: 'lifting the stop', name: 'go' };
    case 'incident':
      return {
        work: () => answerIncident(acting, command),
        doing: 'answering about incidents',
        name: 'answer about incidents',
      };
    default:
      return {
        work: () => callForHelp(acting, command),
        doing: 'calling for help',
        name: 'call for help',
      };
  }
}

async function propose(
  acting: Acting,
  { wanted, target: name, isPreview }: Extract<Change, { kind: 'propose' }>,
): Promise<Message> {
  const target = acting.deps.runbook.targets.find((candidate) => candidate.name === name);
  if (target === undefined) return notice('No target is configured. Add one to dbconn.yml.');
  const asked = { target: name, ask: toAsk(wanted, target.limits) };
  return isPreview ? previewAsk(acting, asked) : proposeAsk(acting, asked);
}

async function listOpen({ changes }: Acting): Promise<Message> {
  const open = await changes.door.list();
  return open.ok ? requestsMessage(open.value) : refusalMessage(open.refusal);
}

async function breakGlass(
  { changes, actor }: Acting,
  { id, reason }: Extract<Change, { kind: 'break-glass' }>,
): Promise<Message> {
  const broken = await changes.door.breakGlass(id, actor, reason);
  if (!broken.ok) return refusalMessage(broken.refusal);
  return notice(
    'It begins without the votes it needs, and everybody is told who did that and why.',
  );
}
