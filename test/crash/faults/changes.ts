import type { CrashCase, CrashScene } from '../crash-case.ts';
import { connectionLimit } from '../cases/connection-limit.ts';
import { optionA } from '../cases/option-a.ts';
import { optionB } from '../cases/option-b.ts';
import { optionC } from '../cases/option-c.ts';
import { optionD } from '../cases/option-d.ts';
import { optionE, optionEBadValue } from '../cases/option-e.ts';
import { prepared } from '../cases/prepared.ts';
import { prevention } from '../cases/prevention.ts';

/** What somebody proposes by these words, and the case that makes the trouble and knows what must be true afterwards. */
export interface Change {
  readonly words: string;
  readonly crashCase: CrashCase;
}

const service = 'storefront-under-test';

/** So many of each in 25 requests: most of those that need no container. */
const shares: readonly (readonly [number, Change])[] = [
  [7, { words: 'A over 1ms', crashCase: optionA }],
  [5, { words: 'D', crashCase: optionD }],
  [4, { words: 'prevention idle-in-transaction 10m', crashCase: prevention }],
  [2, { words: 'prevention connection-limit for crash_strangers 20', crashCase: connectionLimit }],
  [1, { words: 'prepared forgotten', crashCase: prepared }],
  [2, { words: `C ${service}`, crashCase: optionC }],
  [2, { words: `E ${service} 2 1`, crashCase: optionE }],
  [1, { words: `E ${service} 4 0`, crashCase: optionEBadValue }],
  [1, { words: 'B 45', crashCase: optionB }],
];

export const aNightsChanges: readonly Change[] = shares.flatMap(([count, change]) =>
  Array.from({ length: count }, () => change),
);

/** Before the bot starts: it knows the services that run then. */
export async function startService(scene: CrashScene): Promise<void> {
  const prepared = await optionC.prepare(scene);
  await prepared.tidy();
}
