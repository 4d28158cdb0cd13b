import type { Cause, CauseName, Finding, Proposal } from '../diagnosis.ts';
import type { Evidence } from '../evidence.ts';

/** A proposal, and what it costs whom: the lower, the earlier it is offered. */
export interface ScoredProposal {
  readonly regret: number;
  readonly proposal: Proposal;
}

/** What a proposal is made from. */
export interface ProposalInput {
  readonly evidence: Evidence;
  readonly causes: readonly Cause[];
  readonly findings: readonly Finding[];
  /** Slots are short: now, or refused without a look. */
  readonly short: boolean;
  /** So short that connections are refused, or about to be. */
  readonly critical: boolean;
  readonly has: (cause: CauseName) => boolean;
}
