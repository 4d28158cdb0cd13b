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
    'No request in the journal has this id.',
    'Propose it again from /dbconn status.',
  );
}

/** For a request that is no longer waiting for votes. */
export function refuseClosed(request: ApprovalRequest): Refused {
  const { state, closing } = request;
  const isRunning = ['approved', 'handed', 'executing', 'verifying'].includes(state);
  const next = isRunning
    ? 'Its card shows the result.'
    : 'Check with /dbconn status, and propose it again if needed.';
  const sentence = state === 'verifying' ? verifying(request) : closedSentences[state](closing);
  return refuse(state, sentence, next);
}

type Closing = ApprovalRequest['closing'];

const closedSentences: Readonly<Record<ApprovalRequest['state'], (closing: Closing) => string>> = {
  proposed: () => 'This is waiting for approval.',
  approved: () => 'This is already approved and about to start.',
  handed: () => 'This is already approved. A person runs the commands on its card.',
  executing: () => 'This is already approved and running.',
  verifying: () => 'This already ran. dbconn is checking its effect.',
  done: () => 'This is already done.',
  failed: (closing) => `This failed: ${closing?.sentence ?? 'see its card.'}`,
  denied: (closing) => `This was denied${byWhom(closing)}.`,
  withdrawn: (closing) =>
    `This was withdrawn${byWhom(closing)}.${closing?.by === null ? ` ${closing.sentence}` : ''}`,
  stale: (closing) => `This is out of date: ${closing?.sentence ?? 'see its card.'}`,
  expired: (closing) => `This has expired: ${closing?.sentence ?? 'it was not approved in time.'}`,
};

function verifying({ handOff }: ApprovalRequest): string {
  const by = handOff?.ranBy?.by;
  if (by === undefined) return closedSentences.verifying(null);
  const who = by.via === 'slack' ? `<@${by.id}>` : `somebody at the ${by.via}`;
  return `${who} already ran this. dbconn is checking its effect.`;
}

function byWhom(closing: Closing): string {
  const by = closing?.by ?? null;
  if (by === null) return '';
  return by.via === 'slack' ? ` by <@${by.id}>` : ` at the ${by.via}`;
}

export function refuseReasonMissing(): Refused {
  return refuse('reason-missing', 'This option needs a reason.', 'Approve it with a reason.');
}

export function refuseStopped({ by, lift }: Stop): Refused {
  const next = lift ?? 'An approver can resume them with /dbconn go.';
  return refuse('stopped', `All changes are stopped by ${by}.`, next);
}

export function refuseBusy(): Refused {
  return refuse(
    'busy',
    'Another change is running on this target.',
    'Approve again when that one is done. Your approval was not counted.',
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
  return refuse(
    'not-recorded',
    'Nothing was done, because the journal cannot record it.',
    error.message,
  );
}

export function refuseContended(): Refused {
  return refuse('crowded', 'Too many people changed this at once.', 'Try again.');
}
