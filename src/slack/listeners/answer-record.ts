import type { Actor } from '../../runbook/approval/actor.ts';
import type { RecordCommand } from '../../runbook/commands/parse-record.ts';
import type { Asker } from '../answer.ts';
import type { Changes } from '../changes.ts';
import { historyMessage } from '../messages/history.ts';
import { notice } from '../messages/notice.ts';
import type { Message } from '../messages/parts/message.ts';
import { preventionMessage } from '../messages/prevention.ts';
import { refusalMessage } from '../messages/refusal.ts';
import { reportMessage } from '../messages/report.ts';
import type { CommandDeps } from './command-deps.ts';
import { noIncidents } from './incident-answers.ts';
import { answerInTime } from './patiently.ts';

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
