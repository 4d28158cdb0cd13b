import type { Patient, PatientOptions } from '../../sandbox/patient/patient.ts';
import type { ApprovalRequest } from '../../src/runbook/approvals/request.ts';
import type { Action, RemedyRequest } from '../../src/runbook/remedies/remedy-request.ts';

/**
 * One remedy in the matrix of kills. To add one: a file in `cases/` that exports a CrashCase, and its line in
 * `cases/all-cases.ts`. For every write that a whole run makes to the journal, `matrix.test.ts`
 *
 * 1. calls `prepare` for trouble on the patient, and proposes its `ask` in this process;
 * 2. lets a child process approve and run it, and kill itself with SIGKILL right before or after that write;
 * 3. opens approvals of its own on the same journal and takes over; a request whose vote died with the child is
 *    voted on again;
 * 4. sees that the request has an end, that the journal verifies, and that no `run` was called a second time;
 * 5. calls `check`, which says what a consistent system means for this remedy, and then `tidy`.
 *
 * Then once more with the deed done and not recorded, and whoever finishes it killed at each of its own writes.
 *
 * The child reaches PostgreSQL by itself. Everything that `patient.services()` has as a method is called here, in
 * this process, as an engine outlives its caller: a port added there needs nothing more than its line in `reached-adapters.ts`.
 * Arguments and results travel as JSON.
 */
export interface CrashCase {
  readonly name: string;
  readonly option: Action;
  /** What the patient of this case needs to be; the seed is given. */
  readonly patient?: Omit<PatientOptions, 'seed'>;
  prepare(scene: CrashScene): Promise<Prepared>;
}

export interface CrashScene {
  readonly patient: Patient;
  /** How often the child and whoever took over called that method of `patient.services()`, with this first argument. */
  readonly countCalls: (method: string, firstArgument?: string) => number;
}

export interface Prepared {
  readonly ask: RemedyRequest;
  /** Throws unless the system is consistent and the ended request tells the truth about it. */
  check(ended: ApprovalRequest): Promise<void>;
  /** Puts away what `prepare` made; the patient is used again for the next point. */
  tidy(): Promise<void>;
}
