import { randomBytes, randomInt } from 'node:crypto';

const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789';

/** A Slack-shaped id: the kind's letter and ten capitals and digits. */
export function createId(kind: 'C' | 'D' | 'F' | 'V' | 'Ev'): string {
  return kind + Array.from({ length: 10 }, () => LETTERS[randomInt(LETTERS.length)]).join('');
}

/** What Slack generates where a block or an element was sent without an id. */
export function createBlockId(): string {
  return randomBytes(4).toString('base64url').slice(0, 5);
}

/**
 * Message timestamps, which are also message ids: strictly rising even within one millisecond or
 * under a clock that stands still.
 */
export function createStamps(now: () => number): () => string {
  let lastMicros = 0n;
  return () => {
    const micros = BigInt(Math.trunc(now())) * 1000n;
    lastMicros = micros > lastMicros ? micros : lastMicros + 1n;
    return `${lastMicros / 1_000_000n}.${String(lastMicros % 1_000_000n).padStart(6, '0')}`;
  };
}
