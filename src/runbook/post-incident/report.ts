import type { ApprovalRequest } from '../approval/request.ts';
import type { Cause, Finding } from '../diagnose/diagnosis.ts';
import type { Incident } from '../incident/incident.ts';
import type { KeptNote } from '../incident/note.ts';

/** What an incident was, written once it is over. Rendered as Markdown and for Slack; nothing computes while rendering. */
export interface IncidentReport {
  readonly incident: Incident;
  /** `orders ran out of connections for 23 minutes: connection leak in backend.` */
  readonly title: string;
  /** The incident's own notes and those of its requests, in order. */
  readonly timeline: readonly KeptNote[];
  /** Used and usable slots while it lasted, oldest first, at most 120. */
  readonly graph: readonly {
    readonly at: string;
    readonly used: number;
    readonly usable: number;
  }[];
  readonly cause: Cause | null;
  /** What it was where it was none of the runbook's six; its id is one of `troubles`. */
  readonly trouble: Finding | null;
  /** What changed around it in the hour before, oldest first, as sentences of services and names of variables. */
  readonly changes: readonly { readonly at: string; readonly sentence: string }[];
  readonly remedies: readonly ApprovalRequest[];
  /** How long it took until somebody knew, had it, changed something, and until it was over. */
  readonly phases: readonly { readonly name: string; readonly tookMs: number | null }[];
  /** What would have prevented it, computed from this incident. */
  readonly prevention: readonly Advice[];
  /** What dbconn cannot tell of it, such as a start before which it did not look. */
  readonly gaps: readonly string[];
}

/** A setting that is, or would have been, better otherwise. */
export interface Advice {
  /** `idle_in_transaction_session_timeout`, `DATABASE_POOL_SIZE of backend`. */
  readonly setting: string;
  /** As it is now; null where that is not known. */
  readonly now: string | null;
  readonly better: string;
  /** Why, with the figures it is computed from. */
  readonly because: string;
  /** What to type after /dbconn to propose it, where dbconn can do it. */
  readonly command?: string;
}
