import type { Cause, Finding, Proposal } from './diagnosis.ts';
import type { Evidence } from './evidence.ts';
import { isVisible } from './findings/reach.ts';
import { proposeTerminate } from './proposals/a-terminate-idle.ts';
import { proposeRaise } from './proposals/b-raise-max-connections.ts';
import { proposeRestart } from './proposals/c-restart-service.ts';
import { proposeStop } from './proposals/d-stop-blockers.ts';
import { proposeResize } from './proposals/e-resize-pool.ts';
import { toCommand } from './proposals/proposal.ts';
import type { ProposalInput, ScoredProposal } from './proposals/proposal.ts';
import { pressureOf } from './summarise.ts';

interface Remark {
  readonly finding: string;
  readonly sentence: string;
  /** Whether that proposal is about what the finding found. */
  readonly fits: (proposal: Proposal, evidence: Evidence) => boolean;
}

const beginsWith =
  (start: string) =>
  ({ command }: Proposal): boolean =>
    command === start || command?.startsWith(`${start} `) === true;

/** Not of one application: whoever presses chooses whose. */
const isAnyIdle = ({ option, command }: Proposal): boolean =>
  option === 'A' && command === undefined;

const remarks: readonly Remark[] = [
  {
    finding: 'idle-in-transaction',
    sentence: 'Option A ends the oldest.',
    fits: ({ command }) => command === 'propose A',
  },
  { finding: 'terminate-candidates', sentence: 'Option A ends them.', fits: isTermination },
  {
    finding: 'lock-waits',
    sentence: 'Option D stops what they wait for.',
    fits: ({ command }) => command === 'propose D',
  },
  {
    finding: 'abandoned-clients',
    sentence: 'Option A ends those of now.',
    fits: ({ command }, { abandoned, target }) => {
      const service = target.services.find(({ name }) => name === abandoned?.service);
      if (service === undefined) return false;
      return command === toCommand('A', service.application ?? service.name);
    },
  },
  {
    finding: 'strangers',
    sentence: '/dbconn propose prevention connection-limit does it.',
    fits: beginsWith('propose prevention connection-limit'),
  },
  { finding: 'strangers', sentence: 'Option A ends the idle ones.', fits: isAnyIdle },
  {
    finding: 'budget-can-exhaust',
    sentence: 'Option E makes the largest smaller.',
    fits: beginsWith('propose E'),
  },
];

function isTermination(proposal: Proposal): boolean {
  return beginsWith('propose A')(proposal) || isAnyIdle(proposal);
}

/** Adds to what to do about a finding the option that does it, but only where that is proposed for the same look. */
export function nameOptions(
  findings: readonly Finding[],
  proposals: readonly Proposal[],
  evidence: Evidence,
): Finding[] {
  return findings.map((finding) => {
    const sentences = remarks
      .filter(
        ({ finding: id, fits }) =>
          id === finding.id && proposals.some((one) => fits(one, evidence)),
      )
      .map(({ sentence }) => sentence);
    return sentences.length === 0
      ? finding
      : { ...finding, fix: [finding.fix ?? '', ...sentences].join(' ').trim() };
  });
}

/** A limit for the role of strangers that hold most of the slots; a service that is squeezed out is never touched. */
function proposeLimit({ evidence: { strangers, target }, short }: ProposalInput): ScoredProposal[] {
  const limit = strangers?.limit;
  if (limit === undefined || !short) return [];
  const blocked =
    target.canAct === false
      ? 'No role that may change roles is configured: run ALTER ROLE … CONNECTION LIMIT by hand as a superuser.'
      : null;
  const command = toCommand('prevention', 'connection-limit', 'for', limit.role, String(limit.to));
  return [
    {
      regret: 1,
      proposal: {
        option: 'prevention',
        subject: limit.role,
        summary: `Limit the role that holds ${limit.holds} connections to ${limit.to}; sessions that exist stay until they end.`,
        slotsFreed: null,
        blocked,
        ...(command !== undefined && { command }),
      },
    },
  ];
}

/**
 * The runbook's options that would help now, in the order of least regret: cancelling a queued statement costs
 * its owner a retry, ending a forgotten transaction costs nobody anything or an uncommitted write, a restart costs
 * every request in flight, and raising max_connections costs everybody their connection. Idle sessions are ended before
 * anything is restarted, except where a service leaks them: its pool still counts on each.
 */
export function propose(
  evidence: Evidence,
  {
    causes,
    findings,
  }: { readonly causes: readonly Cause[]; readonly findings: readonly Finding[] },
): Proposal[] {
  const { reading, capacity, target, snapshot } = evidence;
  if (reading !== undefined && !isVisible(reading)) return [];
  const pressure = pressureOf(capacity, target.limits);
  const { error } = snapshot.database.reach;
  const refused = error?.kind === 'full' && error.scope !== 'role';
  const now: ProposalInput = {
    evidence,
    causes,
    findings,
    short: pressure !== 'none' || refused,
    critical: pressure === 'critical' || refused,
    has: (name) => causes.some(({ cause }) => cause === name),
  };
  return [proposeTerminate, proposeRaise, proposeRestart, proposeStop, proposeResize, proposeLimit]
    .flatMap((option) => option(now))
    .toSorted((a, b) => a.regret - b.regret)
    .map(({ proposal }) => proposal);
}
