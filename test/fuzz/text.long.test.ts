import { describe, expect, test } from 'vitest';
import { inputs, seed } from './inputs.ts';
import { holdLong, holdText } from './hold-text.ts';
import { textEntrances } from './text-entrances.ts';

describe.for(Object.entries(textEntrances))('%s', ([, entrance]) => {
  // A file takes some ten milliseconds to read, and nobody sends thousands of them.
  const numRuns = entrance.isOwn === true ? Math.ceil(inputs / 10) : inputs;
  test(`any text is read or refused: ${numRuns} inputs, seed ${seed}`, () => {
    expect(() => holdText(entrance, numRuns)).not.toThrow();
  });
});

// The operator's own file may be slow to read.
const foreign = Object.entries(textEntrances).filter(([, { isOwn }]) => isOwn !== true);
test.for(foreign)('%s: a word without end costs no more than its length', ([, entrance]) => {
  expect(() => holdLong(entrance)).not.toThrow();
});
