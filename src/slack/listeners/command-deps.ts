import type { Logger } from 'pino';
import type { Runbook } from '../../runbook/loop/target-monitor.ts';
import type { Answer } from '../answer.ts';
import type { Changes } from '../changes.ts';
import type { DoctorSlack } from '../doctor-slack.ts';
import type { InFlight } from '../in-flight.ts';
import type { Modals } from '../modals.ts';
import type { ReplyTimeouts } from '../patience.ts';

/** What every listener works with. */
export interface CommandDeps {
  readonly runbook: Runbook;
  /** Absent where dbconn only looks. */
  readonly changes: Changes | undefined;
  readonly answer: Answer;
  readonly doctorSlack: DoctorSlack;
  readonly modals: Modals;
  readonly inFlight: InFlight;
  readonly replyTimeouts: ReplyTimeouts;
  /** The incident channel's id. */
  readonly channel: string | undefined;
  readonly log: Logger;
}
