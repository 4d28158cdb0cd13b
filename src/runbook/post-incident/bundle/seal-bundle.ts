import type { Policy } from '../../approvals/policy.ts';
import type { ApprovalRequest } from '../../approval/request.ts';
import type { Incident } from '../../incident/incident.ts';
import type { KeptNote } from '../../incident/note.ts';
import { canonicalJson, hashJson } from '../../remedies/plan.ts';
import type { Target } from '../../snapshot/target.ts';
import { bundleFormat, bundleVersion, mostBundleBytes, noHash } from './bundle.ts';
import type { Item, JournalState } from './bundle.ts';
import { fitItems } from './fit-items.ts';

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
