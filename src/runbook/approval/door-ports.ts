import type { Snapshot } from '../diagnose/snapshot.ts';
import type { Clock, Journal } from '../ports.ts';
import type { Remedy, StepNews } from '../remedies/remedy.ts';
import type { Policy } from './policy.ts';
import type { Request } from './request.ts';

/** What the door needs. */
export interface DoorPorts {
  readonly journal: Journal;
  readonly patients: readonly DoorPatient[];
  readonly policy: Policy;
  readonly clock: Clock;
  /** Between the end of a change and the look that tells whether it helped. */
  readonly verifyAfterMs: number;
  /** Every change of a request, and every step while it runs. Must not throw. */
  readonly onChange: (request: Request, news?: StepNews) => void;
  /** An execution that could not be recorded, or broke in an unforeseen way. Must not throw. */
  readonly onFault: (id: string, error: unknown) => void;
}

/** One target as the door sees it. */
export interface DoorPatient {
  readonly name: string;
  readonly remedies: readonly Remedy[];
  readonly look: () => Promise<Snapshot>;
  /** Below this share of the usable slots the trouble is over, 0-1. */
  readonly warningUtilisation: number;
}
