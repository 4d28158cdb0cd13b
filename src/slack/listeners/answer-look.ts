import type { Command } from '../../runbook/commands/parse-command.ts';
import type { Asker, Audience } from '../answer.ts';
import { doctorMessage } from '../messages/doctor.ts';
import { diagnosisMessages } from '../messages/look-messages.ts';
import { notice } from '../messages/notice.ts';
import type { Message } from '../messages/parts/message.ts';
import type { CommandDeps } from './command-deps.ts';
import { answerInTime } from './patiently.ts';

type DiagnosisCommand = Extract<Command, { kind: 'look' }>;

/** Answers a word that only looks. */
export async function answerDiagnosis(
  deps: CommandDeps,
  asker: Asker,
  { command, signal }: { readonly command: DiagnosisCommand; readonly signal: AbortSignal },
): Promise<void> {
  const { target } = command;
  const { message, isAnswer } = await answerInTime(deps, asker, {
    work: () => answerWord(deps, asker, command),
    doing: `looking at ${target}`,
    name: `look at ${target}`,
    otherwise: `/dbconn doctor ${target}`,
    signal,
  });
  await deps.answer(asker, isAnswer ? audienceOf(deps, asker, command) : 'caller', message);
}

async function answerWord(
  deps: CommandDeps,
  asker: Asker,
  { word, target: name }: DiagnosisCommand,
): Promise<Message> {
  const { changes, doctorSlack, runbook } = deps;
  const target = runbook.targets.find((candidate) => candidate.name === name);
  if (target === undefined) return notice('No target is configured. Add one to dbconn.yml.');
  if (word === 'doctor') {
    const [checks, ...slackChecks] = await Promise.all([
      runbook.doctor(name),
      doctorSlack(asker.user),
      changes?.approvals.checkPeople() ?? [],
    ]);
    const options = changes?.approvals.check(name) ?? [];
    const calls = changes?.checkCalls?.(name) ?? [];
    return doctorMessage(name, [...checks, ...options, ...calls, ...slackChecks.flat()]);
  }
  const offers = changes?.approvals.offers(name) ?? [];
  return diagnosisMessages[word]({ diagnosis: await runbook.diagnose(name), target, offers });
}

/** Status in the incident channel is for everyone there; anything else is one person's curiosity. */
function audienceOf(deps: CommandDeps, asker: Asker, { word }: DiagnosisCommand): Audience {
  return word === 'status' && asker.channel === deps.channel ? 'everyone' : 'caller';
}
