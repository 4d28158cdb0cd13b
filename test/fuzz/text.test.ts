import { expect, test } from 'vitest';
import { holdText } from './hold-text.ts';
import { textEntrances } from './text-entrances.ts';

test.for(Object.entries(textEntrances))('%s: any text is read or refused', ([, entrance]) => {
  expect(() => holdText(entrance, 60)).not.toThrow();
});
