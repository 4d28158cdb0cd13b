import { assert, asyncModelRun, asyncProperty, commands } from 'fast-check';
import type { Arbitrary } from 'fast-check';
import { checkEnd } from './check-incidents.ts';
import {
  alert,
  assign,
  callByHand,
  close,
  merge,
  open,
  pass,
  reopen,
  see,
  setClock,
  setMood,
  setUp,
  silence,
  unsilence,
} from './commands.ts';
import type { IncidentCommand } from './commands.ts';
import { IncidentSystem } from './system.ts';

/** How much more often than others each happens. */
const weights: readonly (readonly [weight: number, command: Arbitrary<IncidentCommand>])[] = [
  [5, pass],
  [3, see],
  [3, alert],
  [1, open],
  [2, assign],
  [1, silence],
  [1, unsilence],
  [2, close],
  [1, reopen],
  [1, callByHand],
  [2, merge],
  [2, setUp],
  [1, setMood],
  [1, setClock],
];
const commandsOfANight = weights.flatMap(([weight, command]) =>
  Array.from({ length: weight }, () => command),
);

/**
 * Random nights of two targets against the rules. Throws with the seed and the shrunk commands of one where they do
 * not hold; returns how often incidents reached each state.
 */
export async function holdIncidents(numRuns: number): Promise<ReadonlyMap<string, number>> {
  const reached = new Map<string, number>();
  await assert(
    asyncProperty(commands(commandsOfANight, { maxCommands: 40, size: 'max' }), async (night) => {
      const system = new IncidentSystem();
      try {
        for (const number of [0, 1]) await system.setUp(number, true);
        await asyncModelRun(() => ({ model: system.rules, real: system }), night);
        await checkEnd(system);
      } finally {
        for (const [state, times] of system.rules.reached) {
          reached.set(state, (reached.get(state) ?? 0) + times);
        }
        system.close();
      }
    }),
    { numRuns },
  );
  return reached;
}
