import type { Actor } from '../../runbook/approvals/request.ts';
import type { Command } from '../../runbook/commands/parse-command.ts';
import type { RecordCommand } from '../../runbook/commands/parse-incident.ts';
import type { ReadOnlyWord } from '../../runbook/commands/words.ts';
import type { View } from '../messages/frame.ts';
import { doctorMessage } from '../messages/help.ts';
import { historyMessage } from '../messages/incidents.ts';
import type { Message } from '../messages/kit/message.ts';
import { logsMessage } from '../messages/logs.ts';
import { notice, refusalMessage } from '../messages/notice.ts';
import { poolMessage } from '../messages/pool.ts';
import { preventionMessage } from '../messages/prevention.ts';
import { reportMessage } from '../messages/report.ts';
import {
  blockingMessage,
  idleMessage,
  sessionsMessage,
  sourcesMessage,
} from '../messages/sessions.ts';
import { causesMessage, statusMessage } from '../messages/status.ts';
import type { Asker, Audience } from './answer.ts';
import { answerInTime } from './deps.ts';
import type { Changes, CommandDeps } from './deps.ts';
import { noIncidents } from './incident-commands.ts';

/** Which message answers which word; `doctor` alone is not made of a Diagnosis. */
export const diagnosisMessages: Readonly<
  Record<Exclude<ReadOnlyWord, 'doctor'>, (view: View) => Message>
> = {
  status: statusMessage,
  sources: sourcesMessage,
  sessions: sessionsMessage,
  idle: idleMessage,
  blocking: blockingMessage,
  pool: poolMessage,
  logs: logsMessage,
  causes: causesMessage,
};

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

interface RecordInput {
  readonly command: RecordCommand;
  readonly actor: Actor;
  readonly signal: AbortSignal;
}

/** Answers a word that asks what the record holds, or what it advises: privately, for it changes nothing. */
export async function answerRecord(
  deps: CommandDeps,
  asker: Asker,
  { command, signal }: RecordInput,
): Promise<void> {
  const { word, target } = command;
  const { message } = await answerInTime(deps, asker, {
    work: () => readRecord(deps, command),
    doing: word === 'prevention' ? `looking at ${target ?? 'a target'}` : 'reading the journal',
    name: word,
    otherwise: '/dbconn doctor',
    signal,
  });
  await deps.answer(asker, 'caller', message);
}

async function readRecord(
  deps: CommandDeps,
  { word, target, id }: RecordCommand,
): Promise<Message> {
  if (word === 'prevention') return prevention(deps, target ?? '');
  const { changes } = deps;
  if (changes?.incidents === undefined) return noIncidents;
  return word === 'history' ? history(changes, target) : report(changes, { target, id });
}

async function prevention({ runbook, changes }: CommandDeps, name: string): Promise<Message> {
  const target = runbook.targets.find((candidate) => candidate.name === name);
  if (target === undefined) return notice('No target is configured. Add one to dbconn.yml.');
  const offers = changes?.approvals.offers(name) ?? [];
  return preventionMessage({ prevention: await runbook.prevention(name), target, offers });
}

async function history({ incidents }: Changes, target: string | null): Promise<Message> {
  const found = await incidents?.history(target ?? undefined);
  if (found === undefined) return noIncidents;
  return found.ok ? historyMessage(found.value, target) : refusalMessage(found.refusal);
}

/** The incident that was named, or the latest of a target. */
async function report(
  { incidents, records }: Changes,
  { target, id }: Pick<RecordCommand, 'target'> & { readonly id: string | undefined },
): Promise<Message> {
  if (incidents === undefined || records === undefined) return noIncidents;
  const named = id ?? (await latestOf(incidents, target));
  if (named === undefined) return notice('There is no incident on record for it.');
  if (typeof named !== 'string') return named;
  const found = await records.readReport(named);
  return found.ok ? reportMessage(found.value) : refusalMessage(found.refusal);
}

async function latestOf(
  incidents: NonNullable<Changes['incidents']>,
  target: string | null,
): Promise<string | Message | undefined> {
  const found = await incidents.history(target ?? undefined);
  return found.ok ? found.value[0]?.id : refusalMessage(found.refusal);
}
