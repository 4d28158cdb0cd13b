import type { Command } from '../../runbook/commands/parse-command.ts';
import type { RecordCommand } from '../../runbook/commands/parse-incident.ts';
import type { ReadOnlyWord } from '../../runbook/commands/words.ts';
import { worstFirst } from '../../runbook/diagnose/doctor.ts';
import type { Target } from '../../runbook/snapshot/target.ts';
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
import { onTarget } from './deps.ts';
import type { Interaction } from './deps.ts';

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

/** Answers a word that only shows. */
export function readDiagnosis(
  on: Interaction,
  { word, target: name }: Extract<Command, { kind: 'look' }>,
): Promise<Message> {
  const { approvals, monitor } = on;
  return onTarget(on, name, async (target) => {
    if (word !== 'doctor') {
      const diagnosis = await monitor.diagnose(name);
      return diagnosisMessages[word]({ diagnosis, target, offers: approvals.offers(name) });
    }
    return doctor(on, target);
  });
}

async function doctor(
  { approvals, asker, checkAround, doctorSlack, monitor }: Interaction,
  target: Target,
): Promise<Message> {
  const { name, contacts } = target;
  const [found, people, around, slack] = await Promise.all([
    monitor.doctor(name),
    approvals.checkPeople(contacts),
    checkAround(name),
    doctorSlack(target, asker.user),
  ]);
  const checks = [...approvals.check(name, [...found, ...people]), ...around, ...slack];
  return doctorMessage(name, worstFirst(checks));
}

/** What the record holds, or what it advises. */
export async function readRecord(
  on: Interaction,
  { word, target, id }: RecordCommand,
): Promise<Message> {
  if (word === 'prevention') return prevention(on, target ?? '');
  if (word === 'report' && id !== undefined) return report(on, id);
  const found = await on.incidents.history(target ?? undefined);
  if (!found.ok) return refusalMessage(found.refusal);
  if (word === 'history') return historyMessage(found.value, target);
  const [latest] = found.value;
  if (latest === undefined) return notice('There is no incident on record for it.');
  return report(on, latest.id);
}

function prevention(on: Interaction, name: string): Promise<Message> {
  const { approvals, monitor } = on;
  return onTarget(on, name, async (target) => {
    const offers = approvals.offers(name);
    return preventionMessage({ prevention: await monitor.prevention(name), target, offers });
  });
}

async function report({ records }: Interaction, incident: string): Promise<Message> {
  const found = await records.readReport(incident);
  return found.ok ? reportMessage(found.value) : refusalMessage(found.refusal);
}
