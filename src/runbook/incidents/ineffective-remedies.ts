import type { ApprovalRequest } from '../approvals/request.ts';
import type { OutcomeWord } from '../approvals/verify/outcome.ts';
import type { Diagnosis, Proposal } from '../diagnose/diagnosis.ts';
import { nameOf } from '../remedies/remedy-request.ts';
import type { Action } from '../remedies/remedy-request.ts';
import type { Target } from '../snapshot/target.ts';
import { capital, count } from '../snapshot/words.ts';
import { configuredName, judgeCheck } from './observation.ts';

/** A remedy that will not help, because it already did not. */
export interface Ineffective {
  readonly option: Action;
  /** The service or application it was for; null where it was for none. */
  readonly subject: string | null;
  /** `Ending sessions of backend did not help 2 times in 20 minutes: it opens 3 connections a minute. Instead, resize or restart it.` */
  readonly sentence: string;
}

interface Tried {
  /** Of the incident's target, oldest first. */
  readonly requests: readonly ApprovalRequest[];
  /** The latest check; null where there is none yet. */
  readonly diagnosis: Diagnosis | null;
  readonly target: Target;
  readonly nowMs: number;
}

/** What did not help this short a time ago will not help now; later the trouble may be another one. */
const withinMs = 20 * 60_000;

const failed: ReadonlySet<OutcomeWord> = new Set<OutcomeWord>(['refilled', 'unchanged', 'worse']);

type Ran = ApprovalRequest & { readonly result: NonNullable<ApprovalRequest['result']> };

/** Remedies that ended without helping while the trouble goes on, and what to do instead. Pure. */
export function findIneffective(tried: Tried): Ineffective[] {
  const { diagnosis, target } = tried;
  if (diagnosis === null || judgeCheck(diagnosis, target) === 'calm') return [];
  const groups = groupByRemedy(recentRuns(tried)).filter(
    (runs) => isFailure(runs.at(-1)) && !isForPoolAlone(runs.at(-1), diagnosis),
  );
  const withdrawn = groups.flatMap(([run]) => (run === undefined ? [] : [keyOf(run)]));
  const left = diagnosis.proposals.filter(
    (proposal) => proposal.blocked === null && !withdrawn.includes(keyOfProposal(proposal)),
  );
  return groups.flatMap((runs) => {
    const last = runs.at(-1);
    if (last === undefined) return [];
    const sentence = toSentence(last, runs.length, { left, target });
    return [{ option: last.option, subject: last.plan.subject, sentence }];
  });
}

function recentRuns({ requests, nowMs }: Tried): Ran[] {
  return requests
    .filter((request): request is Ran => request.result !== null && request.state === 'done')
    .filter(({ result }) => Date.parse(result.endedAt) >= nowMs - withinMs)
    .toSorted((a, b) => Date.parse(a.result.endedAt) - Date.parse(b.result.endedAt));
}

function groupByRemedy(runs: readonly Ran[]): Ran[][] {
  const groups = new Map<string, Ran[]>();
  for (const run of runs) groups.set(keyOf(run), [...(groups.get(keyOf(run)) ?? []), run]);
  return [...groups.values()];
}

function isFailure(run: Ran | undefined): boolean {
  const word = run?.result.outcome?.word;
  return word !== undefined && failed.has(word);
}

/** Slots that filled up again are no reason against a restart that frees none: its pool holds connections that are gone. */
function isForPoolAlone(run: Ran | undefined, { proposals }: Diagnosis): boolean {
  return (
    run?.option === 'C' &&
    run.result.outcome?.word === 'refilled' &&
    proposals.some((one) => keyOfProposal(one) === keyOf(run) && one.slotsFreed === 0)
  );
}

function keyOf({ option, plan }: ApprovalRequest): string {
  return JSON.stringify([option, plan.subject]);
}

function keyOfProposal({ option, subject }: Proposal): string {
  return JSON.stringify([option, subject]);
}

interface Alternatives {
  readonly left: readonly Proposal[];
  readonly target: Target;
}

function toSentence(last: Ran, times: number, { left, target }: Alternatives): string {
  const subject = configuredName(target, last.plan.subject);
  const often = times === 1 ? '' : ` ${times} times in ${withinMs / 60_000} minutes`;
  const others = left.filter(({ option }) => option !== last.option);
  return `${doing(last.option, subject)} did not help${often}: ${because(last, subject, target)}. Instead, ${instead(others, subject, target)}.`;
}

function because({ result }: Ran, subject: string | null, target: Target): string {
  const { outcome } = result;
  if (outcome?.word === 'worse') return 'it made things worse';
  if (outcome?.word === 'unchanged') return 'nothing changed';
  const refill = outcome?.refill;
  if (refill === undefined || refill.perMinute < 1) return 'the slots filled up again';
  const name = configuredName(target, refill.application);
  const who = name === null ? 'one application' : name;
  return `${name !== null && name === subject ? 'it' : who} opens ${count(refill.perMinute, 'connection')} a minute`;
}

/** At most two ways out, in the diagnosis's own order. */
function instead(others: readonly Proposal[], subject: string | null, target: Target): string {
  const [first, second] = distinct(others);
  if (first === undefined) return 'escalate, because no other remedy is left';
  const way = (proposal: Proposal): string => wayOut(proposal, subject, target);
  if (second === undefined) return way(first);
  const pair = [first.option, second.option].toSorted().join('');
  const isSame = first.subject === second.subject && first.subject === subject && subject !== null;
  if (isSame && pair === 'CE') {
    return first.option === 'E' ? 'resize or restart it' : 'restart or resize it';
  }
  return `${way(first)}, or ${way(second)}`;
}

function distinct(proposals: readonly Proposal[]): Proposal[] {
  return proposals.filter(
    ({ option }, index) => proposals.findIndex((other) => other.option === option) === index,
  );
}

function wayOut({ option, subject }: Proposal, about: string | null, target: Target): string {
  const name = configuredName(target, subject);
  const whom = name === null ? 'the application' : name;
  const it = name !== null && name === about ? 'it' : whom;
  const alternatives = {
    A: 'end idle sessions',
    B: 'raise max_connections',
    C: `restart ${it}`,
    D: 'stop the blockers',
    E: it === 'it' ? 'resize its pool' : `resize the pool of ${it}`,
    prevention: 'limit the role that holds most',
  } as const;
  return alternatives[option];
}

function doing(action: Action, subject: string | null): string {
  const of = subject === null ? '' : ` of ${subject}`;
  const words: Readonly<Partial<Record<Action, string>>> = {
    A: `Ending sessions${of}`,
    B: 'Raising max_connections',
    C: `Restarting ${subject ?? 'the application'}`,
    D: 'Stopping the blockers',
    E: `Resizing the pool${of}`,
  };
  return words[action] ?? `${capital(nameOf(action))}${subject === null ? '' : ` for ${subject}`}`;
}
