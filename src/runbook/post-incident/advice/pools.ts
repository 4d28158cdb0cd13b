import { fitTogether, processesOf } from '../../diagnose/pool-sizes.ts';
import type { FittingPool } from '../../diagnose/pool-sizes.ts';
import { sizeVariables, toSettable } from '../../diagnose/pool-variables.ts';
import { count, sum } from '../../snapshot/words.ts';
import { toCommand } from '../../diagnose/proposals/to-command.ts';
import type { Advice } from '../report.ts';
import type { AdviceInput } from './ground.ts';

/** Pool numbers with which all services together fit into the server; none where they do already. */
export function advisePools(input: AdviceInput): Advice[] {
  const fitting = fitTogether(input.budget);
  if (fitting === null || fitting === 'too-many') return [];
  return fitting
    .flatMap((one) => toSettable(input.services, one) ?? [])
    .map((one) => toAdvice(input, one));
}

/** What the numbers of a service's pool are set by. */
export function nameSizes({ services }: Pick<AdviceInput, 'services'>, service: string): string {
  const { size, overflow } = sizeVariables(services, service);
  return `${overflow === null ? size : `${size} and ${overflow}`} of ${service}`;
}

function toAdvice(input: AdviceInput, { line, processes, to }: FittingPool): Advice {
  const { budget, target, deploying } = input;
  const { service, poolSize, maxOverflow, mayOpen } = line;
  const command = toCommand('E', service, String(to.poolSize), String(to.maxOverflow));
  const now = `${poolSize ?? '?'} + ${maxOverflow ?? '?'}`;
  const all = budget.mayOpen === null ? 'more' : numberOrEndless(budget.mayOpen);
  return {
    setting: nameSizes(input, service),
    now,
    better: `${to.poolSize} + ${to.maxOverflow}`,
    because: `${count(processes, 'process', 'processes')} with ${now} each may open ${numberOrEndless(mayOpen)}; all services together may open ${all}, and ${budget.usable ?? '?'} connections are usable. So many fit with a fifth left free.`,
    ...(target.canResize === true && !deploying && command !== undefined && { command }),
  };
}

/** A pooler, where no pool numbers make the processes fit; nothing where some do. */
export function advisePooler({ budget }: AdviceInput): Advice[] {
  if (fitTogether(budget) !== 'too-many') return [];
  const processes = sum(budget.lines.map(processesOf));
  return [
    {
      setting: 'PgBouncer',
      now: null,
      better: 'between the applications and PostgreSQL, in transaction mode',
      because: `${count(processes, 'process has a pool', 'processes have a pool each')}: even one connection for each is more than ${budget.usable ?? '?'} usable connections bear beside ${budget.others ?? 0} others.`,
    },
  ];
}

export function numberOrEndless(value: number | 'unlimited' | null): string {
  if (value === null) return 'nobody knows how many';
  return value === 'unlimited' ? 'without limit' : String(value);
}
