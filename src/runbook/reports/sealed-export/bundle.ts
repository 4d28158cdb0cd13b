import { z } from 'zod';
import type { Policy } from '../../approvals/policy.ts';
import type { ApprovalRequest } from '../../approvals/request.ts';
import { Incident } from '../../incidents/incident.ts';
import { canonicalJson, hashJson } from '../../remedies/plan.ts';
import type { Target } from '../../snapshot/target.ts';

/**
 * The sealed bundle of an incident: the journal's JSON export of it, with what else judging it again needs, under one
 * hash. Any change to the file is found. A new hash for a changed file is found by a hash kept elsewhere.
 */
const bundleFormat = 'dbconn bundle';
const bundleVersion = 1;

/** What is mailed around and put into a ticket. What does not fit is left out, and counted in `leftOut`. */
export const mostBundleBytes = 10 * 1024 * 1024;

/** A journal entry with its body read. */
const SealedEntry = z.looseObject({
  seq: z.number().int(),
  at: z.string(),
  kind: z.string(),
  body: z.unknown(),
});
export type SealedEntry = z.infer<typeof SealedEntry>;

const Bundle = z.object({
  format: z.literal(bundleFormat),
  version: z.literal(bundleVersion),
  /** The dbconn that sealed it. */
  dbconn: z.string(),
  sealedAt: z.string(),
  /** As it was then; a later dbconn may know other fields. */
  incidents: z.tuple([Incident.pick({ id: true, target: true }).loose()]),
  /** With the plans as shown, the votes and what came of them. */
  requests: z.array(z.record(z.string(), z.unknown())),
  /** Of the incident and of its requests, in the journal's order. */
  entries: z.array(SealedEntry),
  /** Whether the journal was whole; a bundle must not lend a changed one the look of a proof. */
  verification: z.object({ ok: z.boolean(), problem: z.string().exactOptional() }),
  leftOut: z.object({ examinations: z.number().int(), entries: z.number().int() }),
  /** Who might do what when it was sealed. */
  policy: z.record(z.string(), z.unknown()),
  /** SHA-256 of the canonical JSON of everything else, lower-case hex. */
  sha256: z.string(),
});
/** A bundle that is as it was sealed. */
export type Bundle = z.infer<typeof Bundle>;

/** A note that keeps the evidence of a moment and what was concluded from it. */
export const CheckNote = z.looseObject({
  facts: z.looseObject({ examination: z.record(z.string(), z.unknown()) }),
});

type OpenedBundle =
  { readonly ok: true; readonly bundle: Bundle } | { readonly ok: false; readonly problem: string };

/** As much as tells a bundle from another file. */
const Outline = z.looseObject({ format: z.literal(bundleFormat), version: z.number() });

/**
 * Reads a bundle and refuses one that is not, to the byte, as it was sealed. `head` is its hash as it was kept
 * elsewhere: only that finds a changed file with a new hash.
 */
export async function openBundle(bytes: Uint8Array, head?: string): Promise<OpenedBundle> {
  if (bytes.length > mostBundleBytes) return refuse('It is larger than a bundle can be.');
  const read = readJson(bytes);
  const outline = Outline.safeParse(read?.value);
  if (!outline.success) return refuse('It is not a dbconn bundle, or it is incomplete.');
  const { version } = outline.data;
  if (version !== bundleVersion) {
    return refuse(
      `It has format ${version}, and this dbconn reads format ${bundleVersion}. Replay it with the dbconn that sealed it, or a later one.`,
    );
  }
  const { sha256, ...sealed } = outline.data;
  const isAsWritten = read?.text === toText(outline.data);
  if (!isAsWritten || sha256 !== (await hashJson(sealed))) {
    return refuse('It was changed after it was sealed.');
  }
  const bundle = Bundle.safeParse(outline.data);
  if (!bundle.success) return refuse('It is not as dbconn writes it.');
  if (head !== undefined && head.toLowerCase() !== sha256) {
    return refuse(
      `Its head is ${sha256}, not the one that was kept. It is another bundle, or it was changed and sealed again.`,
    );
  }
  return { ok: true, bundle: bundle.data };
}

/** Undefined for what is no JSON, and for bytes that are no UTF-8, so that no two files read the same. */
function readJson(
  bytes: Uint8Array,
): { readonly text: string; readonly value: unknown } | undefined {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    return { text, value: JSON.parse(text) };
  } catch {
    return undefined;
  }
}

function toText(bundle: object): string {
  return `${canonicalJson(bundle)}\n`;
}

function refuse(problem: string): OpenedBundle {
  return { ok: false, problem };
}

/** Not even the timeline and the requests fit. */
export class BundleTooLarge extends Error {
  constructor(mostBytes: number) {
    const most = Math.round(mostBytes / 1024 ** 2);
    super(
      `The incident is larger than a bundle may be (${most} MB). Export it instead: dbconn journal export.`,
    );
    this.name = 'BundleTooLarge';
  }
}

interface Sealing {
  /** The journal's export of the incident, with its requests. */
  readonly exported: {
    readonly incidents: readonly Incident[];
    readonly requests: readonly ApprovalRequest[];
    readonly entries: readonly SealedEntry[];
    readonly verification: object;
  };
  /** Null where it is not configured any more. */
  readonly target: Target | null;
  readonly policy: Policy;
  readonly dbconn: string;
  /** UTC ISO text. */
  readonly sealedAt: string;
  readonly mostBytes?: number;
}

export interface SealedBundle {
  /** Canonical JSON on one line. */
  readonly text: string;
  readonly head: string;
}

/** Everything the journal holds of an incident as one sealed file. Throws BundleTooLarge where the needful alone does not fit. */
export async function sealBundle(sealing: Sealing): Promise<SealedBundle> {
  const { exported, target, mostBytes = mostBundleBytes, ...rest } = sealing;
  const bundle = {
    format: bundleFormat,
    version: bundleVersion,
    ...rest,
    ...exported,
    target: target === null ? null : withoutAddresses(target),
  };
  const besides = sizeOf({ ...bundle, entries: [] }) + frameBytes;
  const entries = exported.entries.map(withoutTargetAddresses);
  const fitted = fitEntries(entries, mostBytes - besides);
  if (fitted === undefined) throw new BundleTooLarge(mostBytes);
  const sealed = { ...bundle, ...fitted };
  const head = await hashJson(sealed);
  return { text: toText({ ...sealed, sha256: head }), head };
}

/** The hash and what was left out. */
const frameBytes = 1024;

function sizeOf(value: object): number {
  return new TextEncoder().encode(canonicalJson(value)).length + 1;
}

/** A bundle leaves the house: nobody needs the dashboards' addresses to judge it. */
function withoutAddresses<T>(target: T): T {
  return { ...target, links: { guides: [] }, contacts: {} };
}

function withoutTargetAddresses(entry: SealedEntry): SealedEntry {
  return changeExamination(entry, (examination) => ({
    examination: { ...examination, target: withoutAddresses(examination['target']) },
  }));
}

function changeExamination(
  entry: SealedEntry,
  change: (examination: Readonly<Record<string, unknown>>) => object,
): SealedEntry {
  const note = CheckNote.safeParse(entry.body);
  if (!note.success) return entry;
  const { examination, ...facts } = note.data.facts;
  return { ...entry, body: { ...note.data, facts: { ...facts, ...change(examination) } } };
}

type Fitted = Pick<Bundle, 'entries' | 'leftOut'>;

/** Leaves out checks, then entries that are no notes, from the middle of the story outwards, until the rest fits. */
function fitEntries(entries: readonly SealedEntry[], mostBytes: number): Fitted | undefined {
  const kept = new Map(entries.map((entry) => [entry.seq, entry]));
  let total = entries.reduce((sum, entry) => sum + sizeOf(entry), 0);
  const leave = (shrink: (entry: SealedEntry) => SealedEntry | null): number => {
    let count = 0;
    for (const entry of fromTheMiddle([...kept.values()])) {
      const less = shrink(entry);
      if (less === entry) continue;
      if (total <= mostBytes) break;
      total -= sizeOf(entry) - (less === null ? 0 : sizeOf(less));
      if (less === null) kept.delete(entry.seq);
      else kept.set(entry.seq, less);
      count += 1;
    }
    return count;
  };
  const leftOut = {
    examinations: leave((entry) => changeExamination(entry, () => ({}))),
    entries: leave((entry) => (entry.kind.startsWith('incident-') ? entry : null)),
  };
  return total > mostBytes ? undefined : { entries: [...kept.values()], leftOut };
}

/** How it began and how it ended say most. */
function fromTheMiddle<T>(list: readonly T[]): T[] {
  const middle = (list.length - 1) / 2;
  return list
    .map((item, index) => ({ item, distance: Math.abs(index - middle) }))
    .toSorted((a, b) => a.distance - b.distance)
    .map(({ item }) => item);
}
