import { capital } from '../../snapshot/wording.ts';
import type { Action } from '../../remedies/action.ts';
import { nameOf } from '../../remedies/action.ts';
import { count } from '../../snapshot/words.ts';
import type { JudgeReason, ReasonCase } from './case.ts';

/** What changes how production is set up, and so outlives the night. */
const changesConfiguration: ReadonlySet<Action> = new Set(['B', 'E', 'prevention']);

/** "Database needs configuration changes in production": it is proposed already, or is what is left to do. */
export const judgeNeedsConfigurationChange: JudgeReason = (reasonCase) => {
  const { nowMs, requests } = reasonCase;
  const waiting = requests.find(
    ({ state, option, expiresAt }) =>
      state === 'proposed' && changesConfiguration.has(option) && Date.parse(expiresAt) > nowMs,
  );
  if (waiting !== undefined) {
    const lacking = Math.max(1, waiting.votesNeeded - waiting.votes.length);
    return `${capital(nameOf(waiting.option))} changes the configuration and waits for ${count(lacking, 'vote')}.`;
  }
  return recommended(reasonCase);
};

function recommended({ diagnosis, isInTrouble, ineffective }: ReasonCase): string | null {
  if (diagnosis === null || !isInTrouble) return null;
  const { proposals } = diagnosis;
  const left = proposals.filter(
    ({ option, subject }) =>
      !ineffective.some((one) => one.option === option && one.subject === subject),
  );
  const [first] = left;
  if (first === undefined || !changesConfiguration.has(first.option)) return null;
  const what = capital(nameOf(first.option));
  return left.length < proposals.length
    ? `${what} is what is left after others did not help, and changes the configuration.`
    : `${what} is what would help first, and changes the configuration.`;
}
