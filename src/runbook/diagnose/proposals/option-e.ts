import type { z } from 'zod';
import type { BudgetLine } from '../diagnosis.ts';
import type { Evidence } from '../evidence.ts';
import type { Case, Weighed } from './case.ts';
import { count, sum } from '../words.ts';
import { whyNotDocker } from './blocked.ts';

type Line = z.infer<typeof BudgetLine>;

/** Pools that may fill more than this leave people and jobs no room. */
const plannedShare = 0.8;
/** The runbook's own proportion: 10 and 5. */
const baseShare = 2 / 3;

/** Resize a service's pools so that all of them together fit, or so that its own requests do. */
export function proposeResize({ evidence, short, has }: Case): Weighed[] {
  if (has('pool-misconfiguration') && !short) return enlarge(evidence);
  const wanted = has('pool-misconfiguration') || has('application-scaling');
  return wanted ? shrink(evidence) : [];
}

function shrink(evidence: Evidence): Weighed[] {
  const { lines, usable, others } = evidence.budget;
  const largest = lines.toSorted((a, b) => ceiling(b) - ceiling(a))[0];
  if (largest === undefined || usable === null) return [];
  const elsewhere = sum(
    lines
      .filter((line) => line !== largest)
      .map((line) => Math.min(ceiling(line), line.holds ?? 0)),
  );
  const processes = Math.max(1, largest.replicas * largest.workers);
  const room = usable * plannedShare - (others ?? 0) - elsewhere;
  const each = Math.max(1, Math.floor(room / processes));
  return [toProposal(evidence, largest, each)];
}

function enlarge(evidence: Evidence): Weighed[] {
  const { capacity, target } = evidence;
  const pool = evidence.poolReadings.find(
    ({ utilisation }) => (utilisation ?? 0) >= target.limits.poolUtilisation,
  );
  const timedOut = evidence.logs.find((log) =>
    log.classes.some((one) => one.class === 'pool-timeout'),
  );
  const service = pool?.service ?? timedOut?.service;
  const line = evidence.budget.lines.find((one) => one.service === service);
  if (line === undefined || capacity === null) return [];
  const processes = Math.max(1, line.replicas * line.workers);
  const now = typeof line.mayOpen === 'number' ? Math.floor(line.mayOpen / processes) : null;
  if (now === null) return [];
  // Half of what is free stays free; twice the size shows soon enough whether that was the trouble.
  const each = Math.min(now * 2, now + Math.floor((capacity.free * 0.5) / processes));
  return each > now ? [toProposal(evidence, line, each)] : [];
}

function toProposal(evidence: Evidence, line: Line, each: number): Weighed {
  const { service, poolSize, maxOverflow, holds } = line;
  const size = Math.max(1, Math.round(each * baseShare));
  const processes = Math.max(1, line.replicas * line.workers);
  const now = `${poolSize ?? '?'} + ${maxOverflow ?? '?'}`;
  return {
    regret: 7,
    proposal: {
      option: 'E',
      subject: service,
      summary: `Set the pool of ${service} from ${now} to DATABASE_POOL_SIZE=${size} and DATABASE_MAX_OVERFLOW=${each - size} per process (${count(processes, 'process', 'processes')}), and recreate its containers.`,
      slotsFreed: holds === null ? null : Math.max(0, holds - each * processes),
      blocked: whyNotDocker(evidence),
    },
  };
}

function ceiling({ mayOpen, holds }: Line): number {
  return mayOpen === 'unlimited' ? Infinity : (mayOpen ?? holds ?? 0);
}
