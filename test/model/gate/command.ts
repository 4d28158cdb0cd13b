import type { Arbitrary, AsyncCommand } from 'fast-check';
import type { Answer } from '../../../src/runbook/remedies/remedy.ts';
import { checkGate } from './check-gate.ts';
import type { Reasons } from './known.ts';
import type { GateRules } from './rules.ts';
import type { GateSystem } from './system.ts';

export type GateCommand = AsyncCommand<GateRules, GateSystem>;

/** One command: how it reads when it is printed, and what it does. All checks follow it. */
export function command<T>(
  name: string,
  given: Arbitrary<T>,
  does: (system: GateSystem, args: T) => Promise<void>,
): Arbitrary<GateCommand> {
  return given.map((args) => ({
    toString: () => `${name} ${JSON.stringify(args)}`,
    check: () => true,
    async run(_rules, system) {
      await does(system, args);
      await system.settle();
      await checkGate(system);
    },
  }));
}

/** Notes where an answer is not what the rules say. */
export function hold(answer: Answer<unknown>, { must, may }: Reasons, rules: GateRules): void {
  if (answer.ok) {
    if (must.size > 0) rules.broken.push(`Allowed, although: ${[...must].join(', ')}.`);
    return;
  }
  const { kind } = answer.refusal;
  // Whichever sentence a target tampered with gets, it is a no.
  if (must.has(kind) || may.has(kind) || must.has('tampered') || may.has('tampered')) return;
  const against = [...must, ...may].join(', ') || 'nothing';
  rules.broken.push(`Refused for ${kind}, where ${against} is against it.`);
}
