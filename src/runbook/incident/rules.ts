import type { Severity } from '../diagnose/diagnosis.ts';

/** When trouble is an incident, and for how long. Every duration is in milliseconds. */
export interface IncidentRules {
  /** Whether dbconn watches all targets by itself. Without it only those with an open incident are looked at. */
  readonly watch: boolean;
  /** Between two looks at one target. */
  readonly checkEveryMs: number;
  /** How long looks must say critical before the watch opens an incident. */
  readonly openAfterMs: number;
  /** How long every look must say that it is over before an incident is. */
  readonly closeAfterMs: number;
  /** What comes back within this time is the same incident. */
  readonly reopenWithinMs: number;
  /** Somebody has it and nothing happened for this long: they are asked. */
  readonly askAgainAfterMs: number;
  /** A step that is this late was missed: the auditor says so. */
  readonly overdueAfterMs: number;
  /** Open items of the checklist are asked for this long after the end. */
  readonly checklistAfterMs: number;
  /** The alerts dbconn minds, by name, with the severity of those that carry none. */
  readonly alerts: ReadonlyMap<string, Severity>;
}

export const defaultIncidentRules: IncidentRules = {
  watch: true,
  checkEveryMs: 15_000,
  openAfterMs: 30_000,
  closeAfterMs: 2 * 60_000,
  reopenWithinMs: 30 * 60_000,
  askAgainAfterMs: 30 * 60_000,
  overdueAfterMs: 60_000,
  checklistAfterMs: 2 * 86_400_000,
  alerts: new Map([
    ['DatabaseConnectionPoolExhausted', 'critical'],
    ['SQLAlchemyPoolExhausted', 'warning'],
    // From deploy/: the exporter itself gets no connection, which makes the first of these vanish.
    ['DatabaseConnectionPoolUnobservable', 'critical'],
  ]),
};
