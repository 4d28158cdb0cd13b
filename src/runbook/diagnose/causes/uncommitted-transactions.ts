import type { Cause } from '../diagnosis.ts';
import { count, durationOfSeconds, percent } from '../words.ts';
import { samePath } from './picture.ts';
import type { Picture } from './picture.ts';
import { sign, weigh } from './weigh.ts';
import type { Sign } from './weigh.ts';

/** Transactions opened and never ended: old, mostly after a write, from whatever statements. */
export function judgeUncommittedTransactions(picture: Picture): Cause[] {
  const old = picture.evidence.reading?.counts.idleInTransactionOverWarning ?? 0;
  const titles = picture.sight === 'titles' && picture.inTransaction >= picture.used * 0.3;
  if (old === 0 && !titles) return [];
  const held = titles ? picture.inTransaction : old;
  return weigh(
    'uncommitted-transactions',
    `${count(held, 'session sits', 'sessions sit')} in a transaction that nobody ends.`,
    titles ? fromTitles(picture) : fromSessions(picture, old),
  );
}

function fromTitles({ inTransaction, used }: Picture): Sign[] {
  return [
    {
      weight: 0.35,
      say: `Process titles show ${inTransaction} of ${used} idle in transaction.`,
    },
    { weight: 0, say: 'How long, and what they wrote, cannot be seen without a connection.' },
  ];
}

function fromSessions(picture: Picture, old: number): Sign[] {
  const { evidence, used, pressure, waiting } = picture;
  const limitMs = evidence.target.limits.idleInTransactionWarningMs;
  const sample = picture.lingeringSessions.filter(
    ({ stateAgeSeconds }) => (stateAgeSeconds ?? 0) * 1_000 >= limitMs,
  );
  const written = sample.filter(({ hasWritten }) => hasWritten).length;
  const share = old / Math.max(1, used);
  const alike = samePath(picture) !== undefined;
  const victims = victimsOf(picture, new Set(sample.map(({ pid }) => pid)));
  return [
    {
      weight: 0.3,
      say: `${count(old, 'session is', 'sessions are')} idle in transaction for over ${durationOfSeconds(limitMs / 1_000)}.`,
    },
    ...sign(
      written > 0 && written >= sample.length / 2,
      0.25,
      `${written} of the ${sample.length} looked at have written and not committed.`,
    ),
    ...sign(!alike, 0.1, 'They come from different statements, or are few.'),
    ...sign(share >= 0.2, 0.15, `They hold ${percent(share)} of all connections.`),
    ...sign(share >= 0.5, 0.1, 'That is most of them.'),
    ...sign(
      victims > 0,
      0.1,
      `They hold up ${count(victims, 'session')} that ${victims === 1 ? 'waits' : 'wait'} for locks.`,
    ),
    ...sign(
      alike && written < sample.length / 2,
      -0.15,
      'They ran the same statement and wrote nothing, as leaked connections do.',
    ),
    ...sign(
      waiting > 0 && waiting >= old * 2,
      -0.15,
      `${waiting} wait for locks: those hold more connections.`,
    ),
    ...sign(
      share < 0.05 && victims === 0 && pressure !== 'none',
      -0.35,
      `They hold only ${old} of ${used} connections and block nobody.`,
    ),
  ];
}

/** The most that one of these roots holds up; two roots share victims. */
function victimsOf({ evidence }: Picture, pids: ReadonlySet<number>): number {
  const held = evidence.blocking.roots.flatMap((root) =>
    'pid' in root && pids.has(root.pid) ? [root.victims] : [],
  );
  return Math.max(0, ...held);
}
