import { z } from 'zod';
import { Incident } from '../../incident/incident.ts';

/**
 * The sealed bundle of an incident: one line of canonical JSON for each thing it holds, each line's hash covering the
 * line before it, the seal last. That proves no more than a hash chain can: a line that was changed, left out, moved or
 * added is found. Whoever writes the whole file anew makes a chain of their own, and is found by a head kept elsewhere.
 */
export const bundleFormat = 'dbconn bundle';
export const bundleVersion = 1;

/** What is mailed around and put into a ticket. What does not fit is left out, and counted in the header. */
export const mostBundleBytes = 10 * 1024 * 1024;

const lineKinds = [
  'header',
  /** A request with its plan as shown, its votes and what came of it. */
  'request',
  /** A line of the incident's timeline. */
  'note',
  /** The evidence of a moment and what was concluded from it; belongs to the note before it. */
  'examination',
  /** Every other journal entry of the incident or of one of its requests: votes, steps, looks after them. */
  'entry',
  'seal',
] as const;
type LineKind = (typeof lineKinds)[number];

export const BundleLine = z.strictObject({
  /** From 1. */
  line: z.number().int(),
  kind: z.enum(lineKinds),
  body: z.record(z.string(), z.unknown()),
  /** SHA-256 of the canonical JSON of `[line, kind, body, hash of the line before]`, lower-case hex. */
  hash: z.string(),
});
export type BundleLine = z.infer<typeof BundleLine>;

/** What a line holds, before it has its place in the chain. */
export interface Item {
  readonly kind: LineKind;
  readonly body: object;
}

const JournalState = z.object({
  seq: z.number().int(),
  hash: z.string(),
  /** Why the journal was not as it was written; null for a whole one. */
  problem: z.string().nullable(),
});
export type JournalState = z.infer<typeof JournalState>;

export const BundleHeader = z.object({
  format: z.literal(bundleFormat),
  version: z.literal(bundleVersion),
  /** The dbconn that sealed it. */
  dbconn: z.string(),
  sealedAt: z.string(),
  /** As it was then; a later dbconn may know other fields. */
  incident: Incident.pick({ id: true, target: true, openedAt: true }).loose(),
  /** The journal's last entry when it was sealed, and whether what the bundle holds came out of a whole journal. */
  journal: JournalState,
  /** Of what would have made it larger than it may be. */
  leftOut: z.object({ examinations: z.number().int(), entries: z.number().int() }),
  /** Who might do what when it was sealed. */
  policy: z.record(z.string(), z.unknown()),
});
export type BundleHeader = z.infer<typeof BundleHeader>;

export const BundleSeal = z.strictObject({
  /** Lines before it, and the hash of the last of them. */
  lines: z.number().int(),
  head: z.string(),
});

/** A bundle whose chain is whole. */
export interface Bundle {
  readonly header: BundleHeader;
  readonly lines: readonly BundleLine[];
  /** The seal's own hash: kept elsewhere, it proves that nobody wrote the whole file anew. */
  readonly head: string;
}

/** What the first line names as the hash of the one before it. */
export const noHash = '0'.repeat(64);
