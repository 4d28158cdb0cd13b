import { knownCodes } from './log-classes.ts';

const lettered = knownCodes.filter((code) => /[A-Z]/.test(code)).join('|');
const numeric = knownCodes.filter((code) => !/[A-Z]/.test(code)).join('|');

/**
 * Five digits alone may be a pid, a port or milliseconds, so they need the notation of a SQLSTATE around them.
 * A pid is written `[53300]` too: behind a time, behind a program's name, or before a line's level.
 */
const notations: readonly RegExp[] = [
  // `code: '…'`, `"state_code":"…"`, `SQLSTATE[…]`, `SQLSTATE …`, `SQL state […]`, `sqlstate=…`, `SQLState: …`
  `\\b(?:sql[ _-]?state|state[ _-]?code|pg_?code|(?:err(?:or)?[._-]?)?code)["'\`]{0,2}\\s{0,3}(?:=>?|:)?\\s{0,3}["'\`[(]{0,2}(${numeric})\\b`,
  // `SqlState(E53300)` as tokio-postgres prints it
  `\\bSqlState\\(E(${[lettered, numeric].join('|')})\\)`,
  // `FATAL:  53300: …` as log_error_verbosity gives it, `FATAL 53300 (too_many_connections)`, `,FATAL,53300,"` of any language
  `\\b(?:FATAL|ERROR|PANIC)(?::\\s{0,4}|,|\\s)\\(?(${numeric})\\b(?!\\s?m?s\\b)`,
  `,[^\\s,"]{2,20},(${numeric}),"`,
  // `PostgresException (0x80004005): 53300: …`, and the verbose form in a translated server
  `(?<=^|[:)]\\s{1,2})(${numeric}): `,
  `(?<=[^\\d\\s\\]]:\\s|\\[\\d{1,7}\\]:?\\s|^)\\[(${numeric})\\](?!:?\\s*\\[?(?:LOG|INFO|DEBUG|NOTICE|WARN)|\\s+\\d)`,
  `\\[\\d{1,7}\\]:?\\s(${numeric})\\s+[A-Z]+:`,
  `(?<!\\b(?:pid|process|port)[: ]\\s?)[[(](${numeric})[\\])](?=\\s*$)`,
].map((source) => new RegExp(source, 'im'));
const letteredCode = new RegExp(`(?<![\\w.-])(${lettered})(?![\\w-])`);

/** The names drivers give to conditions, for errors that carry no code in their text. */
const conditions: ReadonlyMap<string, string> = new Map([
  ['TooManyConnections', '53300'],
  ['DeadlockDetected', '40P01'],
  ['TRDeadlockDetected', '40P01'],
  ['QueryCanceled', '57014'],
  ['IdleInTransactionSessionTimeout', '25P03'],
  ['IdleSessionTimeout', '57P05'],
  ['TransactionTimeout', '25P04'],
  ['AdminShutdown', '57P01'],
  ['CrashShutdown', '57P02'],
  ['CannotConnectNow', '57P03'],
  ['InvalidPassword', '28P01'],
  ['InvalidAuthorizationSpecification', '28000'],
  ['InvalidCatalogName', '3D000'],
]);
/** asyncpg, psycopg 2 and 3, Ruby's pg. */
const condition = /(?:asyncpg\.exceptions\.|psycopg2?\.errors\.|\bPG::)([A-Za-z]+?)(?:Error)?\b/;

/** The SQLSTATE of a log line about connections, in whatever notation; undefined without one. */
export function findSqlstate(text: string): string | undefined {
  const plain = letteredCode.exec(text)?.[1];
  if (plain !== undefined) return plain;
  for (const notation of notations) {
    const code = notation.exec(text)?.[1];
    if (code !== undefined) return code;
  }
  return conditions.get(condition.exec(text)?.[1] ?? '');
}
