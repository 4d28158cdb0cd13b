import { z } from 'zod';
import { Actor, ApprovalRequest } from '../../runbook/approvals/request.ts';
import { Plan } from '../../runbook/remedies/plan.ts';
import type { JournalEntry } from '../chain.ts';
import { readBody } from '../chain.ts';

/** One entry as it is told: who, what, and what somebody wrote. */
export interface Event {
  readonly seq: number;
  /** UTC ISO text. */
  readonly at: string;
  /** Null for what dbconn did by itself. */
  readonly who: string | null;
  /** Figures and configured names only. */
  readonly what: string;
  /** Untrusted text. */
  readonly quote: string | null;
  readonly hash: string;
}

const { execution, result, closing } = ApprovalRequest.shape;

/** Every key that some kind of entry has; a later dbconn may write others. */
const Body = z.looseObject({
  by: Actor.nullish(),
  actor: Actor.nullish(),
  reason: z.string().nullish(),
  state: z.string().optional(),
  hash: z.string().optional(),
  plan: Plan.optional(),
  sentence: z.string().nullish(),
  quote: z.string().nullish(),
  why: z.string().optional(),
  afterMs: z.number().optional(),
  fullness: z.unknown().optional(),
  closing: closing.optional(),
  execution: execution.optional(),
  result: result.optional(),
});
type Body = z.infer<typeof Body>;

export function toEvent({ seq, at, kind, body, hash }: JournalEntry): Event {
  const read = Body.safeParse(readBody(body));
  if (!read.success) return { seq, at, who: null, what: kind, quote: null, hash };
  const { by, actor, reason, closing: end } = read.data;
  const who = by ?? actor ?? end?.by ?? null;
  const quote = read.data.quote ?? reason ?? end?.reason ?? null;
  return {
    seq,
    at,
    who: who === null ? null : `${who.id} (${who.via})`,
    what: toSentence(kind, read.data),
    quote: quote === '' ? null : quote,
    hash,
  };
}

function toSentence(kind: string, body: Body): string {
  const { plan, state, why = '', closing: end, execution: run, result: end2 } = body;
  const sentence = body.sentence ?? '';
  switch (kind) {
    case 'proposed':
      return `Proposed: ${plan?.title ?? ''}. Plan ${body.hash ?? ''}.`;
    case 'vote':
      return state === 'approved'
        ? 'Approved, with the last vote needed.'
        : 'Approved, more votes are needed.';
    case 'break-glass':
      return 'Broke the glass: it runs without the votes it needs.';
    case 'handed':
      return 'Handed over: its commands are shown, and dbconn runs none of them.';
    case 'ran-by-hand':
      return 'Ran it by hand.';
    case 'executing':
      return run === null || run === undefined || run.left === 0
        ? 'Began: the targets are compared with the plan.'
        : `${run.left} targets are still as approved, ${run.skipped.length} skipped.`;
    case 'step-intended':
      return `Intends to ${sentence}.`;
    case 'step-done':
      return `Did it: ${sentence}.`;
    case 'verifying':
      return `Ended: ${end2?.report.summary ?? ''}`;
    case 'looked':
      return `Checked ${Math.round((body.afterMs ?? 0) / 1000)} s later: ${toFigures(body.fullness)}.`;
    case 'taken-over':
      return 'Another dbconn took it over: the one that ran it no longer renewed its lease.';
    case 'not-asked-again':
      return `Could not be asked again: ${why}`;
    case 'posted':
      return 'Its message was posted in Slack.';
    case 'done':
      return `Outcome ${end2?.outcome?.word ?? 'unknown'}: ${end2?.outcome?.sentence ?? ''}`;
    case 'stopped':
      return 'Stopped all changes.';
    case 'go':
      return 'Let changes run again.';
    default:
      // A note of an incident says it all.
      if (kind.startsWith('incident-') && sentence !== '') return sentence;
      return `${kind.slice(0, 1).toUpperCase()}${kind.slice(1)}. ${end?.sentence ?? sentence}`.trim();
  }
}

const Figures = z.strictObject({ used: z.number(), usable: z.number() });

function toFigures(fullness: unknown): string {
  const read = Figures.safeParse(fullness);
  if (read.success) return `${read.data.used} of ${read.data.usable} slots used`;
  return fullness === 'full' ? 'the server refused everybody' : 'no figure could be read';
}
