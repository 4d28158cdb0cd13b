import { enlargePool, largestLine, shrinkPool, starvedLine } from '../pool-sizes.ts';
import type { FittingPool } from '../pool-sizes.ts';
import type { Case, Weighed } from './case.ts';
import { count } from '../words.ts';
import { whyNotResize } from './blocked.ts';
import { toCommand } from './to-command.ts';

/** Resize a service's pools so that all of them together fit, or so that its own requests do. */
export function proposeResize({ evidence, short, has }: Case): Weighed[] {
  const toProposal = ({ line, to, processes }: FittingPool): Weighed => {
    const { service, poolSize, maxOverflow, holds } = line;
    const now = `${poolSize ?? '?'} + ${maxOverflow ?? '?'}`;
    const each = to.poolSize + to.maxOverflow;
    const blocked = whyNotResize(evidence);
    const command = toCommand('E', service);
    return {
      regret: 7,
      proposal: {
        option: 'E',
        subject: service,
        summary: `Set the pool of ${service} from ${now} to DATABASE_POOL_SIZE=${to.poolSize} and DATABASE_MAX_OVERFLOW=${to.maxOverflow} per process (${count(processes, 'process', 'processes')}), and recreate its containers.`,
        slotsFreed: holds === null ? null : Math.max(0, holds - each * processes),
        blocked,
        ...(blocked === null && command !== undefined && { command }),
      },
    };
  };
  if (has('pool-misconfiguration') && !short) {
    return enlargePool(evidence, starvedLine(evidence)).map(toProposal);
  }
  const wanted = has('pool-misconfiguration') || has('application-scaling');
  return wanted ? shrinkPool(evidence, largestLine(evidence)).map(toProposal) : [];
}
