import { capital } from '../../snapshot/wording.ts';
import type { ApprovalRequest } from '../../approval/request.ts';
import { durationOfSeconds } from '../../snapshot/words.ts';
import { nameOf } from '../../remedies/action.ts';
import type { OutcomeWord } from '../../verify/verify.ts';
import type { JudgeReason } from './case.ts';

/** What a remedy that helped looks like by then. */
const helpsWithinMs = 5 * 60_000;
const didNotHelp: ReadonlySet<OutcomeWord> = new Set(['partly', 'unchanged', 'refilled', 'worse']);

/** "Issue persists after remediation steps". Only the latest step counts: it may have mended what an earlier did not. */
export const judgePersistsAfterRemedy: JudgeReason = ({ nowMs, isInTrouble, requests }) => {
  const latest = requests
    .filter(({ result }) => result !== null)
    .toSorted(byEnd)
    .at(-1);
  if (!isInTrouble || latest?.result === null || latest === undefined) return null;
  const { endedAt, outcome } = latest.result;
  const option = capital(nameOf(latest.option));
  if (outcome !== null && didNotHelp.has(outcome.word)) {
    return `${option} did not mend it (${outcome.word}). ${outcome.sentence}`;
  }
  const sinceMs = nowMs - Date.parse(endedAt);
  if (sinceMs < helpsWithinMs) return null;
  return `${option} ended ${durationOfSeconds(sinceMs / 1000)} ago, and the trouble is still there.`;
};

function byEnd(a: ApprovalRequest, b: ApprovalRequest): number {
  return Date.parse(a.result?.endedAt ?? '') - Date.parse(b.result?.endedAt ?? '');
}
