/** Ends a look of ours that the server works on though we have hung up. */
const statementTimeoutMs = 3000;
const lockTimeoutMs = 250;

/** One message of the simple protocol: one round trip, and a transaction that cannot write. */
export function inTransaction(statements: string): string {
  return [
    'BEGIN READ ONLY',
    // Else whoever may create a function in this database runs it as our role, by giving it a built-in's name.
    'SET LOCAL search_path = pg_catalog',
    `SET LOCAL statement_timeout = ${statementTimeoutMs}`,
    `SET LOCAL lock_timeout = ${lockTimeoutMs}`,
    statements,
    'COMMIT',
  ].join(';\n');
}
