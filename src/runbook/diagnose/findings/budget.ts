import { isDeploying } from '../deploy-overlap.ts';
import type { Finding } from '../diagnosis.ts';
import type { Evidence } from '../evidence.ts';
import { pressureOf } from '../pressure.ts';
import { count } from '../../snapshot/words.ts';

/** What may happen, said before it does; and who holds more than it may. */
export function findInBudget({ budget, capacity, target, overlaps }: Evidence): Finding[] {
  const { lines, usable, others, mayOpen, canExhaust } = budget;
  const findings: Finding[] = lines
    .filter((line) => typeof line.mayOpen === 'number' && (line.holds ?? 0) > line.mayOpen)
    .map((line) => ({
      id: 'service-over-budget',
      severity: 'warning',
      summary: `${line.service} holds ${line.holds ?? 0} connections, though its pools may open ${line.mayOpen ?? 0}.`,
      figure: { value: line.holds ?? 0, unit: 'connections', limit: Number(line.mayOpen) },
      evidence: ['Connections outside of the pool, more workers than configured, or an old copy.'],
      fix: `Compare the workers configured for ${line.service} with those that run.`,
    }));
  if (canExhaust === true && usable !== null) {
    const sum = mayOpen === 'unlimited' ? 'as many as they like' : (mayOpen ?? 'more');
    findings.push({
      id: 'budget-can-exhaust',
      // Overcommitting is common and often wise; it is trouble when the slots run out.
      severity: pressureOf(capacity, target.limits) === 'none' ? 'info' : 'warning',
      summary: `All services${budget.poolers === undefined ? '' : ' and poolers'} together may open ${sum} of ${usable} usable connections.`,
      ...(typeof mayOpen === 'number' && {
        figure: { value: mayOpen, unit: 'connections', limit: usable },
      }),
      evidence: [
        ...lines.map((line) => `${line.service}: ${describe(line)}.`),
        ...(budget.poolers ?? []).map(
          (one) => `${one.name}: ${count(one.replicas, 'replica')}, together ${one.mayOpen}.`,
        ),
        ...(others === null ? [] : [`Others: ${others} now.`]),
      ],
      fix: isDeploying(overlaps)
        ? 'Judge them once the deploy is over: the pools of the old replicas end with it.'
        : budget.poolers === undefined
          ? 'Give the services pools that fit, or put a pooler such as PgBouncer in between.'
          : 'Give the services pools that fit, and PgBouncer a pool_size or max_db_connections that does.',
    });
  }
  return findings;
}

function describe(line: Evidence['budget']['lines'][number]): string {
  const { workers, mayOpen, mixed = [line] } = line;
  const parts = mixed.map(
    ({ replicas, poolSize, maxOverflow }) =>
      `${replicas} replicas x ${workers} workers x (${poolSize ?? '?'} + ${maxOverflow ?? '?'})`,
  );
  return `${parts.join(' + ')} = ${mayOpen ?? 'unknown'}`;
}
