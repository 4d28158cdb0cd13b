import type { OptionLetter } from '../diagnose/diagnosis.ts';
import type { Ask, Plan, PlanDraft, Spared } from './plan.ts';
import type { Report } from './report.ts';

/** Why something was not done, and what the person can do next: sentences for Slack (mentions as `<@U…>`), without untrusted text. */
export interface Refusal {
  readonly kind: string;
  readonly why: string;
  readonly next: string;
}

export type Answer<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly refusal: Refusal };

export function done<T>(value: T): Answer<T> {
  return { ok: true, value };
}

export function refuse(kind: string, why: string, next: string): { ok: false; refusal: Refusal } {
  return { ok: false, refusal: { kind, why, next } };
}

/** What is left of an approved plan when it is held against reality. Never holds a target the plan had not. */
export interface Recheck {
  readonly left: Plan['targets'];
  readonly spared: readonly Spared[];
}

/** How a running remedy speaks to the door that opened for it. */
export interface RunControl {
  /** True once somebody stopped all changes: the remedy ends between two steps and leaves nothing half done. */
  isStopped(): Promise<boolean>;
  /** Written before a step. Throws when it cannot be recorded, and then the step must not happen. */
  intend(step: string): Promise<void>;
  /** Written after it. */
  record(step: string): Promise<void>;
}

/**
 * One of the runbook's options for one target. Only `run` changes anything, and only the door calls it.
 * Reading can fail: then `propose` refuses, and the others throw.
 */
export interface Remedy {
  readonly option: OptionLetter;
  readonly target: string;
  propose(ask: Ask): Promise<Answer<PlanDraft>>;
  recheck(plan: Plan): Promise<Recheck>;
  /** Does what `left` says, in steps. Returns what happened to each of the targets, whatever happened. */
  run(plan: Plan, left: Plan['targets'], control: RunControl): Promise<Report>;
  /** After a crash: what is true now of each target of a plan that began at `since` (UTC ISO text). Changes nothing. */
  check(plan: Plan, since: string): Promise<Report>;
}
