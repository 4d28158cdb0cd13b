import { refuse } from '../remedies/remedy.ts';
import type { Answer } from '../remedies/remedy.ts';
import { JournalTampered, JournalUnavailable, tamperedAdvice } from './journal.ts';
import type { Stop } from './journal.ts';
import type { ApprovalRequest } from './request.ts';

/** The sentences a click or a command gets that changes nothing. No click is ever silent. */

type Refused = ReturnType<typeof refuse>;

export function refuseUnknown(): Refused {
  return refuse(
    'unknown-request',
    'This request is not in the journal of this dbconn.',
    'Propose it again from /dbconn status.',
  );
}

/** For a request that is no longer waiting for votes. */
export function refuseClosed(request: ApprovalRequest): Refused {
  const { state, closing } = request;
  const isRunning = ['approved', 'handed', 'executing', 'verifying'].includes(state);
  const next = isRunning
    ? 'Its thread tells the result.'
    : 'Look with /dbconn status, and propose it again if it is still needed.';
  const sentence = state === 'verifying' ? verifying(request) : closedSentences[state](closing);
  return refuse(state, sentence, next);
}

type Closing = ApprovalRequest['closing'];

const closedSentences: Readonly<Record<ApprovalRequest['state'], (closing: Closing) => string>> = {
  proposed: () => 'This is waiting for votes.',
  approved: () => 'This was approved already, and begins.',
  handed: () => 'This was approved already; a person runs it by the commands on its card.',
  executing: () => 'This was approved already, and is running.',
  verifying: () => 'This has run; whether it helped is being seen.',
  done: () => 'This has been done already.',
  failed: (closing) => `This failed: ${closing?.sentence ?? 'see its thread.'}`,
  denied: (closing) => `This was denied${byWhom(closing)}.`,
  withdrawn: (closing) => `This was withdrawn${byWhom(closing)}.`,
  stale: (closing) => `This is out of date: ${closing?.sentence ?? 'see its thread.'}`,
  expired: (closing) => `This has expired: ${closing?.sentence ?? 'nobody approved it in time.'}`,
};

function verifying({ handOff }: ApprovalRequest): string {
  const by = handOff?.ranBy?.by;
  if (by === undefined) return closedSentences.verifying(null);
  const who = by.via === 'slack' ? `<@${by.id}>` : `somebody at the ${by.via}`;
  return `${who} said already that they ran this; whether it helped is being seen.`;
}

function byWhom(closing: Closing): string {
  const by = closing?.by ?? null;
  if (by === null) return '';
  return by.via === 'slack' ? ` by <@${by.id}>` : ` at the ${by.via}`;
}

export function refuseReasonMissing(): Refused {
  return refuse('reason-missing', 'This option asks for a reason.', 'Approve it with a reason.');
}

export function refuseStopped({ by, lift }: Stop): Refused {
  const next = lift ?? 'An approver can let them run again with /dbconn go.';
  return refuse('stopped', `All changes are stopped, by ${by}.`, next);
}

export function refuseBusy(): Refused {
  return refuse(
    'busy',
    'Another change is running on this target.',
    'Approve it when that one is done; your vote was not counted yet.',
  );
}

export function refuseTampered(): Refused {
  return refuse(
    'tampered',
    'The stored plan does not match the hash it was proposed with.',
    'Verify the journal (dbconn journal verify), and propose it again.',
  );
}

/** The answer of a work; where its journal cannot be written or read, a refusal. */
export async function recorded<T>(work: () => Promise<Answer<T>>): Promise<Answer<T>> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof JournalUnavailable) return refuseUnrecorded(error);
    throw error;
  }
}

function refuseUnrecorded(error: JournalUnavailable): Refused {
  if (error instanceof JournalTampered) return refuse('tampered', error.problem, tamperedAdvice);
  return refuse('not-recorded', `Nothing was done, because it cannot be recorded.`, error.message);
}

export function refuseContended(): Refused {
  return refuse('crowded', 'Too many people changed this at once.', 'Try again.');
}
