import { count } from '../../snapshot/words.ts';
import { isDeploying } from '../deploys.ts';
import type { Evidence } from '../evidence.ts';
import {
  assignVariables,
  enlargePool,
  hasNoVariable,
  largestLine,
  shrinkPool,
  sizesOf,
  starvedLine,
  toSettable,
} from '../pool-sizes.ts';
import type { FittingPool } from '../pool-sizes.ts';
import type { ProposalInput, ScoredProposal } from './proposal.ts';
import { toCommand, whyNotResize } from './proposal.ts';

/** A service that holds less than this share of what is used is squeezed out itself. */
const leastShare = 0.2;

/**
 * Resize a service's pools so that all of them together fit, or so that its own requests do. Only from numbers that were
 * read, never larger on a server that is short of slots, and never the pool of a service that holds little.
 */
export function proposeResize({ evidence, short, has }: ProposalInput): ScoredProposal[] {
  const { services } = evidence;
  const toProposal = (fitting: FittingPool): ScoredProposal[] => {
    const { line, to, processes } = fitting;
    const { service, holds } = line;
    const now = sizesOf(line);
    if (now === null) return [];
    const each = to.poolSize + to.maxOverflow;
    const blocked = whyNotResize(evidence, fitting);
    // A person cannot set a variable either that its containers do not have.
    const command = blocked === hasNoVariable(service) ? undefined : toCommand('E', service);
    return [
      {
        regret: 7,
        proposal: {
          option: 'E',
          subject: service,
          summary: `Set the pool of ${service} from ${now} to ${assignVariables(services, fitting)} per process (${count(processes, 'process', 'processes')}). Its containers are recreated.`,
          slotsFreed: holds === null ? null : Math.max(0, holds - each * processes),
          blocked,
          ...(command !== undefined && { command }),
        },
      },
    ];
  };
  if (has('pool-misconfiguration') && !short) {
    return enlargePool(evidence, starvedLine(evidence))
      .flatMap((pool) => toSettable(services, pool) ?? [])
      .flatMap(toProposal);
  }
  if (!has('pool-misconfiguration') && !has('application-scaling')) return [];
  // Old and new replicas at once end with the deploy; other pools would stay, and recreate what is being replaced.
  if (isDeploying(evidence.overlaps)) return [];
  return shrinkPool(evidence, largestLine(evidence))
    .flatMap((pool) => toSettable(services, pool) ?? [])
    .filter((pool) => isSmaller(pool) && closes(pool) && !isSqueezedOut(pool, evidence))
    .flatMap(toProposal);
}

/** Numbers that leave the others room may be larger than those of today, where the others hold little now. */
function isSmaller({ line: { mayOpen }, to, processes }: FittingPool): boolean {
  return typeof mayOpen !== 'number' || (to.poolSize + to.maxOverflow) * processes < mayOpen;
}

/** On a server without room the new pools together must be fewer than the connections that the old ones hold. */
function closes({ line: { holds }, to, processes }: FittingPool): boolean {
  return holds === null || (to.poolSize + to.maxOverflow) * processes < holds;
}

function isSqueezedOut({ line: { holds } }: FittingPool, { capacity }: Evidence): boolean {
  return holds !== null && capacity !== null && holds < capacity.used * leastShare;
}
