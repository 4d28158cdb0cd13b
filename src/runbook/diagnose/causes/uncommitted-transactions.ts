import { count, durationOfSeconds, percent } from '../../snapshot/words.ts';
import type { Cause } from '../diagnosis.ts';
import { indicator, samePath, scoreCause } from './cause-input.ts';
import type { CauseInput, Indicator } from './cause-input.ts';

/** Transactions opened and never ended: old, mostly after a write, from whatever statements. */
export function judgeUncommittedTransactions(input: CauseInput): Cause[] {
  const old = input.evidence.reading?.counts.idleInTransactionOverWarning ?? 0;
  const titles = input.detail === 'titles' && input.inTransaction >= input.used * 0.3;
  if (old === 0 && !titles) return [];
  const held = titles ? input.inTransaction : old;
  return scoreCause(
    'uncommitted-transactions',
    `${count(held, 'session is', 'sessions are')} idle in an open transaction.`,
    titles ? fromTitles(input) : fromSessions(input, old),
  );
}

function fromTitles({ inTransaction, used }: CauseInput): Indicator[] {
  return [
    {
      weight: 0.35,
      sentence: `Process titles show ${inTransaction} of ${used} idle in transaction.`,
    },
    { weight: 0, sentence: 'Without a connection, their age and writes are unknown.' },
  ];
}

function fromSessions(input: CauseInput, old: number): Indicator[] {
  const { evidence, used, pressure, waiting } = input;
  const limitMs = evidence.target.limits.idleInTransactionWarningMs;
  const sample = input.lingeringSessions.filter(
    ({ stateAgeSeconds }) => (stateAgeSeconds ?? 0) * 1_000 >= limitMs,
  );
  const written = sample.filter(({ hasWritten }) => hasWritten).length;
  const share = old / Math.max(1, used);
  const alike = samePath(input) !== undefined;
  const victims = victimsOf(input, new Set(sample.map(({ pid }) => pid)));
  return [
    {
      weight: 0.3,
      sentence: `${count(old, 'session has', 'sessions have')} been idle in transaction for over ${durationOfSeconds(limitMs / 1_000)}.`,
    },
    ...indicator(
      written > 0 && written >= sample.length / 2,
      0.25,
      `Of ${count(sample.length, 'session')} checked, ${written} wrote data and did not commit.`,
    ),
    ...indicator(!alike, 0.1, 'They ran different statements, or are few.'),
    ...indicator(share >= 0.2, 0.15, `They hold ${percent(share)} of all connections.`),
    ...indicator(share >= 0.5, 0.1, 'That is most of them.'),
    ...indicator(victims > 0, 0.1, `They block ${count(victims, 'session')}.`),
    ...indicator(
      alike && written < sample.length / 2,
      -0.15,
      'They ran the same statement and wrote nothing, as leaked connections do.',
    ),
    ...indicator(
      waiting > 0 && waiting >= old * 2,
      -0.15,
      `${count(waiting, 'session waits', 'sessions wait')} for locks, which is more.`,
    ),
    ...indicator(
      share < 0.05 && victims === 0 && pressure !== 'none',
      -0.35,
      `They hold only ${old} of ${used} connections and block nobody.`,
    ),
  ];
}

/** The most that one of these roots holds up; two roots share victims. */
function victimsOf({ evidence }: CauseInput, pids: ReadonlySet<number>): number {
  const held = evidence.blocking.roots.flatMap((root) =>
    'pid' in root && pids.has(root.pid) ? [root.victims] : [],
  );
  return Math.max(0, ...held);
}
