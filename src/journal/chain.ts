import { hash } from 'node:crypto';

/** One line of the journal. `hash` covers everything before it in this list, and through `previous` all entries before. */
export interface JournalEntry {
  readonly seq: number;
  /** UTC ISO text. */
  readonly at: string;
  /**
   * The request or the incident it belongs to, whose ids never meet: an incident's begins with `inc-`. Null for what
   * belongs to neither, such as an emergency stop.
   */
  readonly request: string | null;
  readonly kind: string;
  /** JSON text, kept byte for byte as it was hashed. */
  readonly body: string;
  readonly previous: string;
  readonly hash: string;
}

/** The last entry's number and hash: kept elsewhere, they prove later that nothing was cut off or rewritten. */
export interface Head {
  readonly seq: number;
  readonly hash: string;
}

/** What the first entry names as the one before it. */
export const genesis = '0'.repeat(64);

/** SHA-256, lower-case hex. The fields travel as a JSON list, so that no two different entries read the same. */
export function hashEntry(entry: Omit<JournalEntry, 'hash'>): string {
  const { seq, at, request, kind, body, previous } = entry;
  return sha256(JSON.stringify([seq, at, request, kind, body, previous]));
}

export function sha256(text: string): string {
  return hash('sha256', text);
}
