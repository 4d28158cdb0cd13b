import type { Actor } from '../../../src/runbook/approval/actor.ts';
import type { Request } from '../../../src/runbook/approval/request.ts';

/** What the rules know of a request. */
export interface Known {
  readonly id: string;
  readonly target: string;
  readonly plan: string;
  readonly proposer: Actor;
  readonly needed: number;
  readonly bornAtMs: number;
  /** Processes that saw how old it is before anybody set the clock. */
  readonly knownBy: Set<object>;
  readonly jumpsAtBirth: number;
  readonly votes: Set<string>;
  /** Votes on their way: each may be counted already. */
  readonly asked: string[];
  glass: boolean;
  state: Request['state'];
}

/** `must` decides; `may` are reasons that a clock somebody set makes possible. Kinds of refusals. */
export interface Reasons {
  readonly must: Set<string>;
  readonly may: Set<string>;
}
