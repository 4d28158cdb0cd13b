import type { Actor, ApprovalRequest } from '../../../src/runbook/approvals/request.ts';

/** What the rules know of a request. */
export interface Known {
  readonly id: string;
  readonly target: string;
  readonly plan: string;
  readonly proposer: Actor;
  readonly needed: number;
  /** A person runs it. */
  readonly byHand: boolean;
  /** Since when its time runs: proposed, or its commands shown. */
  sinceMs: number;
  /** Processes that know how old it is, from before anybody set the clock. */
  knownBy: Set<object>;
  jumpsAtSince: number;
  readonly votes: Set<string>;
  /** Votes on their way: each may be counted already. */
  readonly asked: string[];
  glass: Actor | null;
  state: ApprovalRequest['state'];
}

/** `must` decides; `may` are reasons that a clock somebody set makes possible. Kinds of refusals. */
export interface Reasons {
  readonly must: Set<string>;
  readonly may: Set<string>;
}
