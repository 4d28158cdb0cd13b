/**
 * What an application_name says of who it is. Names carry the address, port, pid, pod or number of one process
 * (PgBouncer's application_name_add_host, Kubernetes, gunicorn), and every such session would be a holder of its own.
 */

/** What differs between processes of one application, and says nothing of which application it is. */
const instanceParts: readonly RegExp[] = [
  /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/gi,
  // PgBouncer appends its client: " - 10.0.0.7:40001", " - unix(4711):6432".
  /\s-\s\S+:\d+$/g,
  /@\[?[\w.:-]+\]?/g,
  /\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b/g,
  /\[?\b(?:[0-9a-f]{1,4}:){3,7}[0-9a-f]{0,4}\]?(?::\d+)?/gi,
  /[([{][^()[\]{}]*\d[^()[\]{}]*[)\]}]/g,
  // A pod of a Kubernetes deployment: the hash of its replica set, and five characters of its own.
  /-(?=[a-z0-9]*\d)[a-z0-9]{5,10}-[a-z0-9]{5}(?![\w-])/g,
  // Hexadecimal, or several numbers in one word: an id.
  /\b(?=[a-f]*\d)(?=\d*[a-f])[0-9a-f]{6,}\b/gi,
  /\b(?:\d+[a-z]+|[a-z]+\d+[a-z]+)\d[a-z0-9]*\b/gi,
  // A number of its own or at the end of a word; v2 and s3 are part of a name.
  /(?<![a-z\d])\d+(?![a-z])|(?<=[a-z]{2})\d+(?![a-z\d])/gi,
];

/** The application without what tells its processes apart; the name itself where nothing else is in it. */
export function toApplication(name: string): string {
  const bare = instanceParts.reduce((text, part) => text.replaceAll(part, ''), name);
  const stem = bare
    .replaceAll(/[([{]\s*[)\]}]/g, '')
    .replaceAll(/(?<=^|\s)[-_.:,#/|=]+(?=\s|$)/g, '')
    .replaceAll(/^[\s\-_.:,#/|=]+|[\s\-_.:,#/|=]+$/g, '');
  return /[a-z]{2}/i.test(stem) ? stem.replaceAll(/\s+/g, ' ') : name;
}

/** What processes have in common: their name where it is the same, else what is the same in it. */
export function commonName(names: readonly string[]): string {
  const [first = ''] = names;
  return names.every((name) => name === first) ? first : toApplication(first);
}

/** What a driver calls every application that does not name itself. */
const driverNames: ReadonlySet<string> = new Set([
  'postgresql jdbc driver',
  'r2dbc-postgresql',
  'postgres.js',
  'psycopg',
  'psycopg2',
  'psqlodbc',
  'npgsql',
  'node-postgres',
  'asyncpg',
  'pg8000',
  'pgx',
]);

/** Whether the name says nothing of the application. */
export function isNameless(name: string): boolean {
  const plain = name.trim().toLowerCase();
  return plain === '' || driverNames.has(plain);
}

const consoles =
  /^(?:psql|pgcli|pgadmin|dbeaver|datagrip|intellij|pycharm|webstorm|phpstorm|goland|rubymine|rider|tableplus|postico|navicat|heidisql|beekeeper|azure data studio|dbvisualizer|dbvis|sql workbench|squirrel sql|omnidb|phppgadmin|adminer|vscode)\b/i;

/** Whether a person sits before it: a console holds one session and has no pool. */
export function isConsole(name: string): boolean {
  return consoles.test(name.trim());
}
