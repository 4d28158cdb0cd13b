import { Client } from 'pg';
import type { QueryResultRow } from 'pg';

/** Runs statements one after the other on a connection of their own, and gives the rows of the last one. */
export async function runSql<T extends QueryResultRow>(
  url: string,
  ...statements: readonly string[]
): Promise<T[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    let rows: T[] = [];
    for (const statement of statements) ({ rows } = await client.query<T>(statement));
    return rows;
  } finally {
    await client.end();
  }
}

/** A connection that somebody else may end. */
export async function openClient(url: string, application = 'backend'): Promise<Client> {
  const client = new Client({ connectionString: url, application_name: application });
  client.on('error', () => undefined);
  await client.connect();
  return client;
}
