import type { Candidates } from '../../snapshot/ports.ts';
import { batchSize } from '../a-terminate-idle/end-sessions.ts';
import { inWords } from './idle-query.ts';
import type { IdleRequest } from './idle-query.ts';
import type { PlanDraft } from '../plan.ts';
import type { SessionTarget } from '../targets/session.ts';
import type { Sorted } from '../a-terminate-idle/candidates.ts';
import { count, durationOfMs } from '../../snapshot/wording.ts';

interface Found {
  readonly candidates: Candidates;
  readonly sorted: Sorted;
}

/** The plan of option A, with what it costs and brings, from what was found. */
export function draftTermination(
  target: string,
  ask: IdleRequest,
  { candidates, sorted }: Found,
): PlanDraft {
  const { targets, spared, sparedTotal } = sorted;
  return {
    option: 'A',
    target,
    ask,
    title: `End ${count(targets.length, 'session')} ${inWords(ask)}`,
    subject: ask.application ?? null,
    targets: [...targets],
    spared: [...spared],
    sparedTotal: sparedTotal + candidates.total - candidates.sessions.length,
    cost: ask.kind === 'idle' ? costOfIdle : costOfTransactions(targets),
    frees: { slots: targets.length, sentence: refill(targets.length, candidates.newIn60s) },
    undo: 'An ended session cannot be brought back; its application opens a new one.',
    undoAsk: null,
    steps: stepsFor(targets.length),
    risk: targets.some(({ hasWritten }) => hasWritten) ? 'medium' : 'low',
  };
}

/** One step for each batch: between two of them it can be stopped. */
function stepsFor(sessions: number): string[] {
  const batches = Math.ceil(sessions / batchSize);
  return Array.from({ length: batches }, (_, index) => {
    const size = Math.min(batchSize, sessions - index * batchSize);
    return `End ${count(size, 'session')}, each checked once more in the statement that ends it`;
  });
}

const costOfIdle = [
  'No transaction is lost: these sessions are between two of them.',
  'A pool without pre-ping gives its next requests an error for each session ended.',
  'The pool opens them again when it needs them, so this brings no lasting relief.',
];

function costOfTransactions(targets: readonly SessionTarget[]): string[] {
  const writers = targets.filter(({ hasWritten }) => hasWritten).length;
  const locks = targets.reduce((sum, { locksHeld }) => sum + locksHeld, 0);
  const ages = targets.map(({ transactionAgeSeconds }) => transactionAgeSeconds ?? 0);
  const oldest = durationOfMs(Math.max(0, ...ages) * 1000);
  const has = writers === 1 ? 'has' : 'have';
  return [
    `${count(targets.length, 'transaction')} rolled back, the oldest open for ${oldest}.`,
    ...(writers > 0 ? [`${writers} of them ${has} written: that work is lost.`] : []),
    ...(locks > 0 ? [`${count(locks, 'lock')} released.`] : []),
  ];
}

function refill(slots: number, newIn60s: number): string {
  const frees = `Frees ${count(slots, 'slot')}`;
  if (newIn60s === 0) return `${frees}; no connection is younger than a minute.`;
  const minutes = slots / newIn60s;
  const time = minutes < 1 ? 'less than a minute' : `about ${Math.round(minutes)} min`;
  return `${frees}; at the rate of the last minute (${newIn60s} new) they are taken again in ${time}.`;
}
