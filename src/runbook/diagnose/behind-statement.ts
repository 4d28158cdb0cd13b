import { behindStatement } from './secret-shapes.ts';
import { scanSql } from './scan-sql.ts';
import type { SqlToken } from './scan-sql.ts';

/** Where a message begins behind the statement it is about: Knex, Spring and jOOQ, Hibernate 6, Doctrine, an inspected error. */
const messageBegins = /\s-\s|\b(?:ERROR|FATAL|PANIC):\s|\bSQLSTATE\b|\bSQL state \[|\bcode:\s/;

/**
 * What a line says behind the statement it quotes, or nothing. Strings, numbers, quoted names, comments and parameters
 * of the statement are left out first: anybody can write an error's text into those.
 */
export function readBehindStatement(statement: string): string {
  const tokens = scanSql(statement.replace(behindStatement, ''));
  const kept = tokens.map((token, at) =>
    isKept(token, tokens.slice(Math.max(0, at - 5), at)) ? token.text : ' ',
  );
  const bare = kept.join('');
  const at = bare.search(messageBegins);
  return at === -1 ? '' : bare.slice(at);
}

function isKept({ kind, text }: SqlToken, before: readonly SqlToken[]): boolean {
  if (kind === 'comment' || kind === 'name') return false;
  return (
    kind !== 'constant' ||
    (/^'?[0-9A-Z]{5}'?$/.test(text) && introducesCode.test(before.map((one) => one.text).join('')))
  );
}

/** `code: '57014'` of an error that Node printed with its properties, `SQLSTATE[57014]`, `SQL state [57014]`. */
const introducesCode = /(?:\bcode: |\bSQLSTATE[ :=[(]{1,3}|\bSQL state \[)$/;
