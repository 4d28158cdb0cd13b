import type { Diagnosis } from '../../src/runbook/diagnose/diagnosis.ts';
import type { Patient } from '../patient/patient.ts';
import type { SlackMessage } from '../slack/workspace.ts';
import type { Show } from './change.ts';

/** What people have read when they begin to help. */
export interface Seen {
  readonly diagnosis: Diagnosis;
  /** The bot's answer to `/dbconn status`, or what it said unasked. */
  readonly status: SlackMessage;
}

/** One act of the tour: how it is made, what a right diagnosis of it says, and what people then do. */
export interface TourScene {
  readonly title: string;
  /** Returns what goes on, in sentences for the audience. */
  make(patient: Patient): Promise<readonly string[]>;
  /** What people then read; without it somebody asks for the status. */
  readonly read?: (show: Show) => Promise<SlackMessage>;
  /** What is wrong with this diagnosis; nothing if it is right. The diagnosis itself never sees this. */
  judge(diagnosis: Diagnosis): readonly string[];
  /** The remedy, from its proposal to its outcome; returns what did not go as it should. */
  readonly help?: (show: Show, seen: Seen) => Promise<readonly string[]>;
  /** Undone after all that. */
  clear(patient: Patient): Promise<void>;
}

/** The services that are in trouble: all but the one that was there before. */
export function troubled({ fleet }: Patient): readonly string[] {
  const [bystander, ...others] = [...new Set(fleet.replicas.map(({ options }) => options.service))];
  return bystander === undefined ? [] : others;
}
