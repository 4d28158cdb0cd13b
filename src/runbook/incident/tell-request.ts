import type { Actor } from '../approval/actor.ts';
import type { ApprovalRequest } from '../approval/request.ts';
import { nameOf } from '../remedies/action.ts';
import { capital } from '../snapshot/wording.ts';
import { actorName } from './actor-name.ts';
import type { Note } from './note.ts';

type Line = Pick<Note, 'sentence' | 'quote' | 'by'>;

/** A request's present state as a line of the timeline. The plan's title holds figures and configured names only. */
export function tellRequest(request: ApprovalRequest): Line {
  const { option, plan, proposedBy, closing, result, state } = request;
  const what = nameOf(option);
  const ranBy = request.handOff?.ranBy?.by;
  const ranItself = (): Line => ({
    sentence: `${capital(what)} ran: ${result?.report.summary ?? 'see its thread.'}`,
  });
  switch (state) {
    case 'proposed':
      return by(proposedBy, `proposed ${what}: ${plan.title}.`);
    case 'approved':
      return approved(request);
    case 'executing':
      return { sentence: `${capital(what)} is running: ${plan.title}.` };
    case 'handed':
      return { sentence: `The commands of ${what} are shown, for a person to run: ${plan.title}.` };
    case 'verifying':
      return ranBy === undefined ? ranItself() : by(ranBy, `ran ${what} by hand: ${plan.title}.`);
    case 'done': {
      const { word = 'unknown', sentence = '' } = result?.outcome ?? {};
      const who = ranBy === undefined ? '' : `, run by ${actorName(ranBy)} by hand`;
      return { sentence: `${capital(what)}${who}: ${words[word]}. ${sentence}`.trim() };
    }
    case 'failed':
      return { sentence: `${capital(what)} failed. ${closing?.sentence ?? ''}`.trim() };
    case 'denied':
    case 'withdrawn':
    case 'expired':
    case 'stale':
      return notRun(request);
    default:
      return state satisfies never;
  }
}

function notRun({ option, closing }: ApprovalRequest): Line {
  const sentence = `${capital(nameOf(option))} was not run. ${closing?.sentence ?? ''}`.trim();
  const who = closing?.by ?? null;
  return { sentence, quote: closing?.reason ?? null, ...(who !== null && { by: who }) };
}

const words = {
  fixed: 'it helped',
  partly: 'it helped in part',
  unchanged: 'it changed nothing',
  refilled: 'the slots filled again',
  worse: 'it is worse than before',
  unknown: 'whether it helped is not known',
} as const;

function approved({ option, brokenGlass, votes }: ApprovalRequest): Line {
  if (brokenGlass !== null) {
    const ran = `ran ${nameOf(option)} without the votes it needs (break-glass).`;
    return { ...by(brokenGlass.by, ran), quote: brokenGlass.reason };
  }
  const voters = votes.map((vote) => actorName(vote.by)).join(' and ');
  const sentence = `${capital(voters)} approved ${nameOf(option)}.`;
  const last = votes.at(-1);
  return { sentence, quote: last?.reason ?? null, ...(last !== undefined && { by: last.by }) };
}

function by(actor: Actor, did: string): Line {
  return { sentence: `${capital(actorName(actor))} ${did}`, by: actor };
}
