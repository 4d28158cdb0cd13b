import { readBody } from './read-body.ts';
import type { Exported } from './to-markdown.ts';

/**
 * The record for programs. Entries are complete: the hash of each can be recomputed from it, as
 * SHA-256 of `JSON.stringify([seq, at, request, kind, JSON.stringify(body), previous])`.
 */
export function toJson({ verification, requests, incidents, entries }: Exported): string {
  const parsed = entries.map((entry) => ({ ...entry, body: readBody(entry.body) }));
  return JSON.stringify(
    { version: 1, verification, requests, incidents, entries: parsed },
    null,
    2,
  );
}
