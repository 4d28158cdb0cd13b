import { createHash } from 'node:crypto';
import { redactStatement } from '../../runbook/snapshot/redaction/redact-sql.ts';
import { cutCodePoints } from '../../runbook/snapshot/redaction/redact-text.ts';
import { keepNewest } from '../../timing.ts';

/** A snapshot brings at most 120 texts, and the same applications send the same ones: this covers many snapshots. */
const remembered = 1000;

/**
 * SQL for the first bytes of a session's text, in base64. Its encoding is that of the session's database, whatever ours
 * is, and every function that counts characters fails on what is none of ours (measured on 15.18 and 18.4: 22021). Bytes
 * pass through; the doubled backslash is how bytea reads one.
 */
export function textBytes(query: string, most: number | string): string {
  return `encode(substring(replace(${query}, chr(92), repeat(chr(92), 2))::bytea FROM 1 FOR ${most}), 'base64')`;
}

/** SQL that tells whether `textBytes` gives the beginning only. The server itself cuts before a character of up to four bytes. */
export function isTextCut(query: string, most: number | string): string {
  return `octet_length(${query}) > least(${most},
    (SELECT setting::int - 5 FROM pg_settings WHERE name = 'track_activity_query_size'))`;
}

interface Statement {
  /** Redacted, at most 300 code points. */
  readonly query: string;
  readonly fingerprint: string;
}

const statements = new Map<string, Statement | null>();

/**
 * The redacted text of a statement and a fingerprint that is the same whatever its literals; null where it cannot be
 * read or has to be withheld. Remembered by text, the least recently asked for forgotten first.
 * @param base64 as `textBytes` gives it
 */
export function readStatement(base64: string, cut: boolean): Statement | null {
  const key = `${cut ? '+' : ''}${base64}`;
  const known = statements.get(key);
  statements.delete(key);
  const statement = known === undefined ? toStatement(base64, cut) : known;
  statements.set(key, statement);
  keepNewest(statements, remembered);
  return statement;
}

/** So much of a text as a plan needs, for `textBytes` and `isTextCut`. */
export const planTextBytes = 500;
const planCodePoints = 120;

/** The same for a plan, in which nobody reads a long one; null where there is none. */
export function readPlanStatement(base64: string | null, cut: boolean): string | null {
  const statement = base64 === null ? null : readStatement(base64, cut);
  return statement && cutCodePoints(statement.query, planCodePoints);
}

function toStatement(base64: string, cut: boolean): Statement | null {
  const text = decode(base64);
  const plain = text === null ? null : redactStatement(text, cut);
  if (plain === null) return null;
  const redacted = plain.replaceAll(/\s+/g, ' ').trim();
  return {
    query: [...redacted.matchAll(/./gsu)].slice(0, 300).join(''),
    fingerprint: createHash('sha256').update(toShape(redacted)).digest('hex').slice(0, 16),
  };
}

/** Null where the bytes are no UTF-8; as a stream, so that a character cut in two at the end is no error. */
function decode(base64: string): string | null {
  try {
    const utf8 = new TextDecoder('utf-8', { fatal: true });
    return utf8.decode(Buffer.from(base64, 'base64'), { stream: true });
  } catch {
    return null;
  }
}

const valueList = /(\?|\$\d+)(?: ?, ?(?:\?|\$\d+))+/g;
const rowList = /\(\?\)(?: ?, ?\(\?\))+/g;

/**
 * What a statement has in common with itself, as pg_stat_statements of PostgreSQL 18 has it: however
 * it is written, and however many values its lists have. PostgreSQL's own parser, compiled to WebAssembly, told the
 * same ones apart, and cost every start 40 ms and the process 40 MB.
 */
function toShape(redacted: string): string {
  const plain = redacted.toLowerCase().replaceAll(/\s*([(),;=<>])\s*/g, '$1');
  return plain
    .replaceAll(valueList, '?')
    .replaceAll(/\$\d+/g, '?')
    .replaceAll(rowList, '(?)')
    .replace(/;+$/, '');
}
