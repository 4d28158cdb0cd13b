import {
  assert,
  asyncModelRun,
  asyncProperty,
  boolean,
  commands,
  constantFrom,
  record,
  subarray,
} from 'fast-check';
import type { Arbitrary } from 'fast-check';
import { checkEnd } from './check-gate.ts';
import type { GateCommand } from './command.ts';
import {
  approve,
  approveTogether,
  breakGlass,
  deny,
  go,
  propose,
  readCommands,
  sayRan,
  stop,
  withdraw,
} from './people-commands.ts';
import { GateSystem, targets } from './system.ts';
import { tamper } from './tamper.ts';
import {
  churn,
  connect,
  goOn,
  kill,
  round,
  setBrake,
  setClock,
  setGroup,
  setOutage,
  setPower,
  setStanding,
  standStill,
  wait,
} from './world-commands.ts';

const policy = record({
  votes: constantFrom(1, 2),
  cooldownMs: constantFrom(0, 120_000),
  proposerMayVote: boolean(),
  powerless: subarray([...targets]),
});

/** How much more often than others each happens: most nights come to a change. */
const weights: readonly (readonly [weight: number, command: Arbitrary<GateCommand>])[] = [
  [4, propose],
  [10, approve],
  [2, approveTogether],
  [4, wait],
  [3, round],
  [3, goOn],
  [3, standStill],
  [2, kill],
  [1, breakGlass],
  [2, setPower],
  [2, sayRan],
  [1, readCommands],
  [1, deny],
  [1, withdraw],
  [1, stop],
  [2, go],
  [2, setStanding],
  [1, setGroup],
  [1, setOutage],
  [1, setBrake],
  [2, churn],
  [2, connect],
  [1, tamper],
  [2, setClock],
];
const commandsOfANight = weights.flatMap(([weight, command]) =>
  Array.from({ length: weight }, () => command),
);

/**
 * Random nights against the rules. Throws with the seed and the shrunk commands of one where they do not hold; returns
 * how often requests reached each state.
 */
export async function holdGate(numRuns: number): Promise<ReadonlyMap<string, number>> {
  const reached = new Map<string, number>();
  await assert(
    asyncProperty(
      policy,
      commands(commandsOfANight, { maxCommands: 100, size: 'max' }),
      async (given, night) => {
        const system = await GateSystem.start(given);
        try {
          await asyncModelRun(() => ({ model: system.rules, real: system }), night);
          await checkEnd(system);
        } finally {
          for (const [state, times] of system.rules.reached) {
            reached.set(state, (reached.get(state) ?? 0) + times);
          }
          await system.close();
        }
      },
    ),
    { numRuns },
  );
  return reached;
}
