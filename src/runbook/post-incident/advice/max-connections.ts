import { fitTogether } from '../../diagnose/pool-sizes.ts';
import { raiseMaxConnections } from '../../diagnose/raise-max-connections.ts';
import type { Advice } from '../report.ts';
import { mayAct } from './ground.ts';
import type { AdviceInput } from './ground.ts';

/**
 * A larger max_connections, where the pools do not fit and the next size bears them all: it costs a restart and
 * memory, so it is never the first advice.
 */
export function adviseMaxConnections(input: AdviceInput): Advice[] {
  const { budget, capacity } = input;
  if (capacity === null || typeof budget.mayOpen !== 'number' || input.deploying) return [];
  const { maxConnections, reserved, usable } = capacity;
  const raised = raiseMaxConnections(maxConnections);
  const fits = fitTogether(budget);
  if (fits === null || fits.length === 0 || budget.mayOpen > raised - reserved) return [];
  return [
    {
      setting: 'max_connections',
      now: String(maxConnections),
      better: String(raised),
      because: `All services together may open ${budget.mayOpen}, and ${usable} connections are usable: ${raised} bear them, if memory does. Smaller pools cost no restart.`,
      ...(mayAct(input) && { command: `propose B ${raised}` }),
    },
  ];
}
