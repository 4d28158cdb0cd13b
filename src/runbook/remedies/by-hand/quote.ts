import { cleanUntrusted } from '../../diagnose/untrusted.ts';

/** Longer than any name of PostgreSQL, Docker or Kubernetes. */
const longestName = 300;

/**
 * Whether a name can stand in a command at all: a line break, an invisible or a right-to-left character would make the
 * command another one than people read, and a leading dash an option.
 */
export function isSafeName(name: string): boolean {
  return !name.startsWith('-') && cleanUntrusted(name, longestName) === name;
}

/** One word of a POSIX shell. */
export function shellWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}

/** A string of SQL that means the same whatever standard_conforming_strings says. */
export function sqlString(text: string): string {
  const quoted = `'${text.replaceAll("'", "''")}'`;
  return text.includes('\\') ? `E${quoted.replaceAll('\\', '\\\\')}` : quoted;
}

export function sqlStringOrNull(text: string | null): string {
  return text === null ? 'NULL' : sqlString(text);
}
