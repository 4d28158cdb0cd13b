import type { Policy } from '../../approvals/policy.ts';
import type { ApprovalRequest } from '../../approvals/request.ts';
import type { KeptNote } from '../../incidents/incident-log.ts';
import type { Incident } from '../../incidents/incident.ts';
import { canonicalJson, hashJson } from '../../remedies/plan.ts';
import type { Target } from '../../snapshot/target.ts';
import { bundleFormat, bundleVersion, mostBundleBytes, noHash } from './open.ts';
import type { Item, JournalState } from './open.ts';

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

interface Fitted {
  readonly items: readonly Item[];
  readonly leftOut: { readonly examinations: number; readonly entries: number };
}

/** The hash, the numbers and the names around a body. */
const lineBytes = 120;
/** The header and the seal. */
const frameBytes = 64 * 1024;

/** Leaves out checks, then entries, from the middle of the story outwards, until the rest fits. */
function fitItems(items: readonly Item[], mostBytes: number): Fitted {
  const sizes = new Map(items.map((item) => [item, sizeOf(item)]));
  const left = new Set(items);
  let total = frameBytes + [...sizes.values()].reduce((sum, size) => sum + size, 0);
  const leave = (kind: 'examination' | 'entry'): number => {
    const candidates = fromTheMiddle(items.filter((item) => item.kind === kind));
    let count = 0;
    for (const item of candidates) {
      if (total <= mostBytes) break;
      left.delete(item);
      total -= sizes.get(item) ?? 0;
      count += 1;
    }
    return count;
  };
  const leftOut = { examinations: leave('examination'), entries: leave('entry') };
  if (total > mostBytes) throw new BundleTooLarge(mostBytes);
  return { items: [...left], leftOut };
}

function sizeOf({ body }: Item): number {
  return new TextEncoder().encode(canonicalJson(body)).length + lineBytes;
}

/** How it began and how it ended say most. */
function fromTheMiddle<T>(list: readonly T[]): T[] {
  const middle = (list.length - 1) / 2;
  return list
    .map((item, index) => ({ item, distance: Math.abs(index - middle) }))
    .toSorted((a, b) => a.distance - b.distance)
    .map(({ item }) => item);
}

/** A journal entry with its body read; those of the incident and of its requests. */
export interface SealedEntry {
  readonly seq: number;
  readonly at: string;
  readonly request: string | null;
  readonly kind: string;
  readonly body: unknown;
  readonly hash: string;
}

interface Sealing {
  readonly incident: Incident;
  /** Null where it is not configured any more. */
  readonly target: Target | null;
  readonly policy: Policy;
  readonly notes: readonly KeptNote[];
  readonly requests: readonly ApprovalRequest[];
  /** In the journal's order; notes are among them and are told as notes. */
  readonly entries: readonly SealedEntry[];
  readonly journal: JournalState;
  readonly dbconn: string;
  /** UTC ISO text. */
  readonly sealedAt: string;
  readonly mostBytes?: number;
}

export interface SealedBundle {
  /** Lines of JSON, each ended by a line feed. */
  readonly text: string;
  readonly lines: number;
  readonly head: string;
}

/** Everything the journal holds of an incident as one sealed file. Throws BundleTooLarge where the needful alone does not fit. */
export async function sealBundle(sealing: Sealing): Promise<SealedBundle> {
  const items = [
    ...sealing.requests.map((request): Item => ({ kind: 'request', body: request })),
    ...toHistory(sealing),
  ];
  const fitted = fitItems(items, sealing.mostBytes ?? mostBundleBytes);
  const header: Item = { kind: 'header', body: toHeader(sealing, fitted.leftOut) };
  const texts: string[] = [];
  let head = noHash;
  const add = async ({ kind, body }: Item): Promise<void> => {
    const line = texts.length + 1;
    head = await hashJson([line, kind, body, head]);
    texts.push(canonicalJson({ line, kind, body, hash: head }));
  };
  for (const item of [header, ...fitted.items]) await add(item);
  await add({ kind: 'seal', body: { lines: texts.length, head } });
  return { text: `${texts.join('\n')}\n`, lines: texts.length, head };
}

function toHeader(sealing: Sealing, leftOut: object): object {
  const { incident, target, policy, journal, dbconn, sealedAt } = sealing;
  return {
    format: bundleFormat,
    version: bundleVersion,
    dbconn,
    sealedAt,
    incident,
    target: target === null ? null : withoutAddresses(target),
    policy,
    journal,
    leftOut,
  };
}

/** A bundle leaves the house: nobody needs the dashboards' addresses to judge it. */
function withoutAddresses(target: Target): Target {
  return { ...target, links: { guides: [] }, contacts: {} };
}

function toHistory({ notes, entries }: Sealing): Item[] {
  const bySeq = new Map(notes.map((note) => [note.seq, note]));
  return entries.flatMap((entry): Item[] => {
    const note = bySeq.get(entry.seq);
    return note === undefined ? [{ kind: 'entry', body: entry }] : toNoteItems(note, entry);
  });
}

/** The evidence stands in a line of its own, where a program finds it. */
function toNoteItems(note: KeptNote, { hash }: SealedEntry): Item[] {
  const { examination, ...facts } = note.facts ?? {};
  const line: Item = { kind: 'note', body: { ...note, facts, hash } };
  if (typeof examination !== 'object' || examination === null) return [line];
  const { seq, at } = note;
  const kept = { ...facts, seq, at, examination: withoutTargetAddresses(examination) };
  return [line, { kind: 'examination', body: kept }];
}

function withoutTargetAddresses(examination: object): object {
  if (!('target' in examination) || typeof examination.target !== 'object') return examination;
  return { ...examination, target: { ...examination.target, links: { guides: [] }, contacts: {} } };
}
