import { redactSql } from './redact.ts';
import { behindStatement, blankSecrets } from './secret-shapes.ts';

/** Docker cuts a line at 16 kB too; what follows is dropped, so that odd lines cannot cost odd times. */
const longestText = 16_384;

/**
 * A log line, or several that belong together, without what it may hold of other people's data: addresses
 * with passwords, secrets by name or by shape, constants of statements, their parameters, the values that
 * PostgreSQL quotes in DETAIL and CONTEXT. Errs towards blanking. At most 16 kB are looked at; never throws.
 */
export function redactText(text: string): string {
  const { prose, statement } = splitStatement(text.slice(0, longestText));
  // What looks like a statement may be prose after all (`select a pool of postgres://…`), so it is blanked twice.
  const sql = redactSql(statement.replace(behindStatement, '…'));
  return redactQuotes(blankSecrets(prose)) + blankSecrets(sql);
}

/** Where a statement begins within a log line; nothing behind it is prose any more. */
const statementStart = new RegExp(
  [
    String.raw`\b(?:STATEMENT|QUERY|statement|LINE \d{1,9}|(?:execute|parse|bind) [^:\n]{1,80}):`,
    String.raw`\[SQL:`,
    String.raw`\b(?:select|merge\s+into|insert\s+into|delete\s+from|comment\s+on)\s`,
    String.raw`\b(?:execute|call|prepare)\s+[\w".]{1,200}\s*\(`,
    String.raw`\b(?:with|prepare)\s+[\w"]{1,200}\s+as\s+(?:not\s|materialized\s|\(|select|insert|update|delete)`,
    String.raw`\bcopy\s+\S{1,200}\s+(?:from|to)\s`,
    String.raw`\bupdate\s+\S{1,200}\s+set\s`,
    String.raw`\b(?:alter|create)\s+(?:role|user|view|table)\s`,
    String.raw`\bdo\s+\$`,
    String.raw`\bset\s+[\w.]{1,200}\s*(?:=|\bto\b)`,
  ].join('|'),
  'i',
);
/** The text before the first statement, and from there on. */
export function splitStatement(text: string): { prose: string; statement: string } {
  const at = text.search(statementStart);
  return at === -1
    ? { prose: text, statement: '' }
    : { prose: text.slice(0, at), statement: text.slice(at) };
}

/** What stands in single quotes, if it is no apostrophe: from the first to the last, since they may not pair. */
function redactQuotes(text: string): string {
  const quotes = [...text.matchAll(/'/g)]
    .map(({ index }) => index)
    .filter((at) => !isApostrophe(text, at));
  const first = quotes[0];
  const last = quotes.at(-1);
  if (first === undefined || last === undefined) return text;
  const end = quotes.length % 2 === 0 ? last : text.length;
  return `${text.slice(0, first)}'…'${text.slice(end + 1)}`;
}

function isApostrophe(text: string, at: number): boolean {
  return (
    /[A-Za-z]{2}$/.test(text.slice(Math.max(0, at - 2), at)) &&
    /^(?:t|s|re|ve|ll|d|m)\b(?!')/.test(text.slice(at + 1, at + 5))
  );
}
