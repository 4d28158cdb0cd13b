import { z } from 'zod';
import type { Plan, PlanDraft, Skipped } from './plan.ts';
import { RemedyRequest } from './remedy-request.ts';
import type { Action } from './remedy-request.ts';

/** No connection to act over, or it was lost. Its message is for the operator: what happened and how to mend it. */
export class PrivilegedUnavailable extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'PrivilegedUnavailable';
  }
}

/** One target's PostgreSQL, over a connection as the privileged role that is opened for a work and closed after. */
export interface Privileged<Session> {
  /** Throws PrivilegedUnavailable when no connection can be had or it is lost. */
  act<T>(work: (session: Session) => Promise<T>): Promise<T>;
}

/** What became of one target. */
export const Item = z.strictObject({
  /** `pid 4711`, a container's name. */
  what: z.string(),
  outcome: z.enum([
    'ended',
    'already gone',
    'moved on',
    'refused',
    'still there',
    'cancelled',
    'rolled back',
    'set',
    'put back',
    'restarted',
    'recreated',
    'unhealthy',
    'crash loop',
    'failed',
    'not reached',
    'unknown',
  ]),
  /** A sentence. */
  detail: z.string(),
  /** It did not end by itself within its time, and was killed. */
  killed: z.literal(true).exactOptional(),
  /** Redacted log lines of a container that did not come up, at most 11. Untrusted text. */
  lines: z.array(z.string()),
});
export type Item = z.infer<typeof Item>;

/** What a remedy did. It says nothing of whether that helped: verifying does. */
export const Report = z.strictObject({
  items: z.array(Item),
  /** Figures and configured names only. */
  summary: z.string(),
  /** False when it stopped before its end, for whatever reason the summary gives. */
  finished: z.boolean(),
  /** What it found on the way and did not touch: each would be a plan and a vote of its own. */
  followUps: z.array(RemedyRequest).max(5).exactOptional(),
});
export type Report = z.infer<typeof Report>;

/** The report of a change of one thing, which is finished where that was set. */
export function reportOne(
  item: Pick<Item, 'what' | 'outcome' | 'detail'> & Partial<Item>,
  summary = item.detail,
): Report {
  return { items: [{ lines: [], ...item }], summary, finished: item.outcome === 'set' };
}

/** `3 ended, 1 moved on`, commonest first. */
export function countOutcomes(items: readonly Item[]): string {
  const counts = new Map<string, number>();
  for (const { outcome } of items) counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
  const parts = [...counts].sort((a, b) => b[1] - a[1]).map(([name, n]) => `${n} ${name}`);
  return parts.length === 0 ? 'nothing was done' : parts.join(', ');
}

/** Whether a change was begun and taken back, so that everything is as it was. */
export function wasTakenBack({ items }: Pick<Report, 'items'>): boolean {
  const isBack = ({ outcome }: Item): boolean => outcome === 'put back';
  return (
    items.some(isBack) && items.every((item) => isBack(item) || item.outcome === 'not reached')
  );
}

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
  readonly skipped: readonly Skipped[];
}

/** A step of a running plan, as the journal keeps it and the card shows it. */
export interface StepNote {
  /** Which of the plan's `steps`, from 0. */
  readonly step: number;
  /** Figures, pids and configured names only. */
  readonly sentence: string;
  /** What `recover` needs to know after a crash, such as an old value or a kept file's path. Never a secret. */
  readonly facts?: Readonly<Record<string, string | number | boolean | null>>;
}

/** `intended` before the step, `done` after it: an intent without its end may or may not have happened. */
export interface StepEntry extends StepNote {
  readonly kind: 'intended' | 'done';
  /** UTC ISO text. */
  readonly at: string;
}

/** What is heard of a running request beside its changes of state. */
export type StepProgress =
  | StepEntry
  | {
      /** `progress` within a step; `note` stands beside the steps. */
      readonly kind: 'progress' | 'note';
      readonly sentence: string;
      readonly at: string;
    };

/**
 * The lease of the request that runs. A process may be frozen at any moment and go on after another one has taken the
 * request over; so what is sent asks for the lease last, and carries a deadline by the other side's clock.
 */
export interface Lease {
  /** Milliseconds during which no other process may take the request over, since the intent was written. */
  leftMs(): number;
  /** Throws where less is left: then nothing may be sent any more. */
  mustLast(forMs: number): void;
}

/** How a running remedy speaks to the approvals code that runs it. */
export interface RunControl {
  /** True once somebody stopped all changes: the remedy ends between two steps and leaves nothing half done. */
  isStopped(): Promise<boolean>;
  /** Written before a step. Throws when it cannot be recorded, and then the step must not happen. */
  intend(note: StepNote): Promise<void>;
  /** Written after it. */
  record(note: StepNote): Promise<void>;
  /** How far a long step is, for the live message alone. Figures and configured names only. */
  progress(sentence: string): void;
  /** Goes along with whatever changes something. */
  readonly lease: Lease;
}

/** A plan whose run broke off: by an error, or because dbconn itself died. */
export interface Interrupted {
  readonly plan: Plan;
  /** When it began; UTC ISO text. */
  readonly since: string;
  /** In the order they were written. */
  readonly steps: readonly StepEntry[];
}

/**
 * One of the runbook's options for one target. Only `run` and `recover` change anything, and only the approvals code
 * calls them. Reading can fail: then `propose` refuses, and the others throw.
 */
export interface Remedy {
  readonly option: Action;
  readonly target: string;
  propose(ask: RemedyRequest): Promise<Answer<PlanDraft>>;
  recheck(plan: Plan): Promise<Recheck>;
  /** Does what `left` says, in steps. Returns what happened to each of the targets, whatever happened. */
  run(plan: Plan, left: Plan['targets'], control: RunControl): Promise<Report>;
  /**
   * Finds out what is true of a run that broke off, and completes or undoes what was half done, never anything
   * new: sessions that still live stay alive, replicas that were not reached stay as they are.
   */
  recover(interrupted: Interrupted, control: RunControl): Promise<Report>;
}

/**
 * By the server's clock, from when it was asked for the time: a statement that would signal later than this signals
 * nobody. Less than a statement's answer is waited for, so that nothing happens any more once it is given up.
 */
export const signalWithinMs = 4000;

/** From here on no signal that was sent before can arrive any more, and each session that got one has had time to end. */
export const settledAfterMs = signalWithinMs + 1000;

/** Whether a step was begun of which no end is recorded: its signal may still be on its way. */
export function hasOpenStep(steps: readonly StepEntry[]): boolean {
  const last = new Map(steps.map(({ step, kind }) => [step, kind]));
  return [...last.values()].includes('intended');
}
