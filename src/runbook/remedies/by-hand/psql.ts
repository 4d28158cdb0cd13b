import { cleanUntrusted } from '../../snapshot/redaction/redact-text.ts';
import type { Place } from './hand-off.ts';

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

/**
 * A command that gives SQL to psql, where this server is reached. The SQL stands in a here-document whose mark is
 * quoted: the shell changes nothing in it, so that what people read is what PostgreSQL gets.
 */
export function psql({ server, names }: Place, sql: string, database = 'postgres'): string {
  const options = `psql -X -v ON_ERROR_STOP=1`;
  const onSocket = `sh -c 'exec ${options} -U "\${POSTGRES_USER:-postgres}" -d "$1"' - ${shellWord(database)}`;
  return `${start()} <<'SQL'\n${sql}\nSQL`;

  function start(): string {
    switch (server) {
      case 'compose':
        return `${compose(names)} exec -T ${shellWord(names.server ?? 'postgres')} ${onSocket}`;
      case 'kubernetes':
        return `${kubectl(names)} exec -i statefulset/${named(names.server, 'STATEFULSET')} -- ${onSocket}`;
      case 'systemd':
        return `sudo -u postgres ${options} -d ${shellWord(database)}`;
      default:
        return `${options} -d ${shellWord(database)}`;
    }
  }
}

/** What a person has to know before the first psql. */
export function psqlNotes({ server, names }: Place): string[] {
  if (server === 'kubernetes') return blanks({ server: names.server });
  return server === 'compose' || server === 'systemd'
    ? []
    : ['psql uses PGHOST, PGUSER and PGPASSWORD: log in as an administrator.'];
}

export function compose({ project, context }: Place['names']): string {
  const docker = context == null ? 'docker' : `docker --context ${shellWord(context)}`;
  return project === null ? `${docker} compose` : `${docker} compose -p ${shellWord(project)}`;
}

export function kubectl({ namespace }: Place['names']): string {
  return namespace === null ? 'kubectl' : `kubectl -n ${shellWord(namespace)}`;
}

/** A name, or the capital word that a person puts one for. */
export function named(name: string | null, blank: string): string {
  return name === null ? blank : shellWord(name);
}

/** Says which words in capitals a person has to fill in, and what fills them in. */
export function blanks(names: Readonly<Record<string, string | null>>): string[] {
  const missing = Object.entries(names).flatMap(([key, name]) =>
    name === null ? [`runtime.${key}`] : [],
  );
  return missing.length === 0
    ? []
    : [`Replace the words in capitals, or set ${missing.join(' and ')} in dbconn.yml.`];
}
