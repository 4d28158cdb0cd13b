import { createHash } from 'node:crypto';
import { fingerprintSync, loadModule } from 'libpg-query';
import { redactSql } from '../runbook/diagnose/redact.ts';

await loadModule();

/** A look brings at most 120 texts, and the same applications send the same ones: this covers many looks. */
const remembered = 1000;

export interface Statement {
  /** Redacted, at most 300 code points. */
  readonly query: string;
  readonly fingerprint: string;
}

const statements = new Map<string, Statement>();

/**
 * The redacted text of a statement and a fingerprint that is the same whatever its literals.
 * A whole text is fingerprinted by PostgreSQL's own parser; one that was cut off or does not parse by its
 * redacted form. Remembered by text, the least recently seen forgotten first.
 */
export function readStatement(text: string, isWhole: boolean): Statement {
  const known = statements.get(text);
  statements.delete(text);
  const statement = known ?? toStatement(text, isWhole);
  statements.set(text, statement);
  if (statements.size > remembered) {
    const [oldest] = statements.keys();
    if (oldest !== undefined) statements.delete(oldest);
  }
  return statement;
}

function toStatement(text: string, isWhole: boolean): Statement {
  const redacted = redactSql(text).replaceAll(/\s+/g, ' ').trim();
  const parsed = isWhole ? parserFingerprint(text) : undefined;
  const digest = createHash('sha256').update(redacted).digest('hex').slice(0, 16);
  return {
    query: [...redacted.matchAll(/./gsu)].slice(0, 300).join(''),
    fingerprint: parsed ?? digest,
  };
}

function parserFingerprint(text: string): string | undefined {
  try {
    return fingerprintSync(text);
  } catch {
    return undefined; // newer or older syntax than the parser's: the redacted form has to do
  }
}
