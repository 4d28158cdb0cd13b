import { z } from 'zod';
import { Incident } from '../../incidents/incident.ts';
import { canonicalJson, hashJson } from '../../remedies/plan.ts';

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
  /** Every other journal entry of the incident or of one of its requests: votes, steps, checks after them. */
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

const BundleHeader = z.object({
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
type BundleHeader = z.infer<typeof BundleHeader>;

const BundleSeal = z.strictObject({
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

type OpenedBundle =
  | { readonly ok: true; readonly bundle: Bundle }
  | {
      readonly ok: false;
      /** The first line that is wrong, from 1; null where it is no single line. */
      readonly line: number | null;
      readonly problem: string;
    };

type Refused = Extract<OpenedBundle, { ok: false }>;

/**
 * Reads a bundle and refuses one that is not, to the byte, as it was sealed. `head` is the seal's hash as it was kept
 * elsewhere: only that finds a file that was written anew as a whole.
 */
export async function openBundle(bytes: Uint8Array, head?: string): Promise<OpenedBundle> {
  if (bytes.length > mostBundleBytes) return refuse(null, 'It is larger than a bundle can be.');
  const text = decode(bytes);
  const first = text?.slice(0, text.indexOf('\n'));
  if (text === undefined || first === undefined) return refuse(null, 'It is not text in UTF-8.');
  const strange = refuseOthers(first);
  if (strange !== undefined) return strange;
  const texts = text.split('\n');
  if (texts.pop() !== '') return refuse(texts.length + 1, 'It is cut off.');
  const read = await readLines(texts);
  if (!Array.isArray(read)) return read;
  return toBundle(read, head);
}

/** Undefined for bytes that are no UTF-8, so that no two files read the same. */
function decode(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** What is no bundle at all, or one of a later dbconn, is told as that and not as tampering. */
function refuseOthers(first: string): Refused | undefined {
  const body = toLine(first)?.body;
  if (body?.['format'] !== bundleFormat) return refuse(1, 'This is no bundle of dbconn.');
  const version = Number(body['version']);
  if (version === bundleVersion) return undefined;
  return refuse(
    1,
    `It has format ${version}, and this dbconn reads format ${bundleVersion}. Replay it with the dbconn that sealed it, or a later one.`,
  );
}

/** Any other writing of the same values, such as with a space more, is no line. */
function toLine(text: string): BundleLine | undefined {
  try {
    const line = BundleLine.parse(JSON.parse(text));
    return canonicalJson(line) === text ? line : undefined;
  } catch {
    return undefined;
  }
}

async function readLines(texts: readonly string[]): Promise<BundleLine[] | Refused> {
  const lines: BundleLine[] = [];
  let previous = noHash;
  for (const [index, text] of texts.entries()) {
    const number = index + 1;
    if (lines.at(-1)?.kind === 'seal') return refuse(number, 'It was added after the seal.');
    const line = toLine(text);
    if (line === undefined) return refuse(number, 'It was changed after it was sealed.');
    const problem = await whyWrong(line, number, previous);
    if (problem !== undefined) return refuse(number, problem);
    lines.push(line);
    previous = line.hash;
  }
  return lines;
}

async function whyWrong(
  { line, kind, body, hash }: BundleLine,
  number: number,
  previous: string,
): Promise<string | undefined> {
  if (line !== number) return `Line ${number} of the sealed ones is not here.`;
  const expected = await hashJson([line, kind, body, previous]);
  return hash === expected ? undefined : 'It, or the line before it, was changed after the seal.';
}

function toBundle(lines: readonly BundleLine[], head: string | undefined): OpenedBundle {
  const last = lines.at(-1);
  const seal = BundleSeal.safeParse(last?.body);
  if (last?.kind !== 'seal' || !seal.success)
    return refuse(lines.length + 1, 'The seal is missing.');
  const before = lines.at(-2)?.hash;
  if (seal.data.lines !== lines.length - 1 || seal.data.head !== before) {
    return refuse(last.line, 'The seal is not that of these lines.');
  }
  const header = BundleHeader.safeParse(lines[0]?.body);
  if (!header.success) return refuse(1, 'The header is not as dbconn writes it.');
  if (head !== undefined && head.toLowerCase() !== last.hash) {
    return refuse(
      null,
      `Its head is ${last.hash}, not the one that was kept: it was written anew, or it is another bundle.`,
    );
  }
  return { ok: true, bundle: { header: header.data, lines, head: last.hash } };
}

function refuse(line: number | null, problem: string): Refused {
  return { ok: false, line, problem };
}
