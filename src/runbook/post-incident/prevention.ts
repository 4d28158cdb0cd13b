import type { Pooler } from '../diagnose/pooler.ts';
import type { Advice } from './report.ts';

/** One line of the runbook's Prevention section, held against what is so. */
export interface PreventionCheck extends Advice {
  readonly state: 'ok' | 'advice' | 'unknown';
  readonly part: 'application' | 'postgresql' | 'pooler';
}

/** The answer to `/dbconn prevention`: Slack and the terminal render it and compute nothing. */
export interface Prevention {
  readonly target: string;
  /** When it was looked at; UTC ISO text. */
  readonly lookedAt: string;
  /** In the runbook's order: applications, PostgreSQL, pooler. */
  readonly checks: readonly PreventionCheck[];
  /** What the consoles of the PgBouncers say that could be read. */
  readonly poolers: readonly Pooler[];
}
