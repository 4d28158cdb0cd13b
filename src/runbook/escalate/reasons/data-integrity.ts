import { capital } from '../../snapshot/wording.ts';
import type { ApprovalRequest } from '../../approval/request.ts';
import { count, list } from '../../snapshot/words.ts';
import { nameOf } from '../../remedies/action.ts';
import { outcomesOf } from './case.ts';
import type { JudgeReason } from './case.ts';

/** After these the work of a transaction that had written is gone, or may be. */
const lost: ReadonlySet<string> = new Set(['ended', 'cancelled', 'unknown']);
const mostPids = 10;

/** "Data integrity concerns from terminated queries": what somebody wrote, and was not committed. */
export const judgeDataIntegrity: JudgeReason = ({ requests }) => {
  const concerns = requests.flatMap((request) => {
    const what = [...lostWriters(request), ...rolledBack(request), ...killed(request)];
    return what.length === 0 ? [] : [`${capital(nameOf(request.option))} ${list(what)}.`];
  });
  return concerns.length === 0 ? null : concerns.slice(-3).join(' ');
};

function lostWriters(request: ApprovalRequest): string[] {
  const outcomes = outcomesOf(request);
  const pids = request.plan.targets.flatMap((target) => {
    if (target.kind !== 'session' && target.kind !== 'blocker') return [];
    const { pid } = target.identity;
    return target.hasWritten && lost.has(outcomes.get(`pid ${pid}`) ?? '') ? [pid] : [];
  });
  if (pids.length === 0) return [];
  const shown = `${pids.slice(0, mostPids).join(', ')}${pids.length > mostPids ? ' and others' : ''}`;
  return [`stopped ${count(pids.length, 'session')} that had written: pid ${shown}`];
}

/** Its name is text out of the database. Whoever prepared it may have been promised that it holds. */
function rolledBack({ option, result }: ApprovalRequest): string[] {
  const isGone = result?.report.items.some(({ outcome }) => outcome === 'rolled back') === true;
  return option === 'prepared' && isGone ? ['took back what was promised to be committed'] : [];
}

/** A process that was killed finished nothing it was at. The report says so in its own words. */
function killed({ option, result }: ApprovalRequest): string[] {
  if (option !== 'B' && option !== 'C' && option !== 'E') return [];
  const names = (result?.report.items ?? []).filter(({ detail }) => /\bwas killed\b/.test(detail));
  return names.length === 0 ? [] : [`killed ${count(names.length, 'container')} that did not end`];
}
