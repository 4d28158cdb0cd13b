import { DatabaseError } from 'pg';
import { PrivilegedUnavailable } from '../runbook/remedies/acting-unavailable.ts';

/** The SQLSTATE with which PostgreSQL refused a statement; undefined when it took it, and a lost session throws. */
export async function refusalOf(statement: Promise<unknown>): Promise<string | undefined> {
  try {
    await statement;
    return undefined;
  } catch (error) {
    const code = codeOf(error);
    // A session that was ended says nothing of what it was doing.
    if (code === undefined || /^(?:08|57P|XX)/.test(code)) throw error;
    return code;
  }
}

function codeOf(error: unknown): string | undefined {
  const cause = error instanceof PrivilegedUnavailable ? error.cause : undefined;
  return cause instanceof DatabaseError ? cause.code : undefined;
}
