import { assert, property } from 'fast-check';
import { expect } from 'vitest';
import { mangledText } from './mangle.ts';
import { canary } from './text-entrances.ts';
import type { TextEntrance } from './text-entrances.ts';

/** Of the processor, for one input: a reader whose work grows with the square of a text is far beyond this. */
const mostCpuMs = 2000;
const longBytes = 300_000;

/** Any text is read without a fault, and nothing that is said of it holds a secret. */
export function holdText({ words, read }: TextEntrance, numRuns: number): void {
  assert(
    property(mangledText(words), (text) => {
      expect(JSON.stringify(read(text)) ?? '').not.toContain(canary);
    }),
    { numRuns },
  );
}

/** One of the format's words without end costs no more than its length. */
export function holdLong({ words, read }: TextEntrance): void {
  for (const word of words) {
    const text = word.repeat(longBytes / word.length);
    const before = process.cpuUsage();
    read(text);
    const { user, system } = process.cpuUsage(before);
    expect((user + system) / 1000, `milliseconds for ${word}`).toBeLessThan(mostCpuMs);
  }
}
