import type { Stop } from '../snapshot/ports.ts';

/** An emergency stop set on the machine rather than in Slack: a file, or a line of dbconn.yml. */
export interface EmergencyStopSwitch {
  /** Looked at anew each time. Where it cannot be looked at, that is a stop too. Never throws. */
  readStop(): Promise<Stop | undefined>;
}
