import type { Incident } from '../../runbook/incident/incident.ts';
import type { Answer } from '../../runbook/remedies/remedy.ts';
import { notice } from '../messages/notice.ts';
import type { Message } from '../messages/parts/message.ts';
import { refusalMessage } from '../messages/refusal.ts';

/** What somebody is told of what they just did with an incident: the refusal, or the sentence about it. */
export function incidentAnswer(
  decided: Answer<Incident>,
  sentence: (incident: Incident) => string,
): Message {
  return decided.ok ? notice(sentence(decided.value)) : refusalMessage(decided.refusal);
}

export const noIncidents: Message = notice('This dbconn keeps no incidents.');

/** What each deed is confirmed with; its message and thread tell everybody else. */
export const incidentDone = {
  have: ({ target }: Incident) => `You have the incident of ${target}. The others see that.`,
  silence: ({ target, silence }: Incident) =>
    `The incident of ${target} is silenced until ${(silence?.until ?? '').slice(0, 16).replace('T', ' ')} UTC; nobody is called until then.`,
  unsilence: ({ target }: Incident) => `The incident of ${target} calls people again.`,
  merge: ({ target, mergedInto }: Incident) =>
    `The incident of ${target} is a part of ${mergedInto ?? 'the other one'} now.`,
  close: ({ target }: Incident) =>
    `The incident of ${target} is closed; its report follows in its thread.`,
  reopen: ({ target }: Incident) => `The incident of ${target} is open again.`,
  open: ({ id, target }: Incident) =>
    `The incident of ${target} is open: ${id}. Its message is about to stand in the incident channel.`,
  help: ({ target }: Incident) =>
    `It is recorded, and they are being called for ${target}; the thread tells when they were.`,
} as const satisfies Readonly<Record<string, (incident: Incident) => string>>;
