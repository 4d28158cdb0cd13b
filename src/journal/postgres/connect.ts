import { Client } from 'pg';
import type { ClientConfig } from 'pg';

/** Opens a connection by the ways of TLS that an address allows. */
export type ByTls = <T>(
  url: string,
  open: (bareUrl: string, ssl: ClientConfig['ssl']) => Promise<T>,
) => Promise<T>;

export async function connect(
  bareUrl: string,
  ssl: ClientConfig['ssl'],
  config: ClientConfig,
): Promise<Client> {
  const client = new Client({
    connectionString: bareUrl,
    ...(ssl !== undefined && { ssl }),
    ...config,
  });
  // A connection lost between two statements makes the next one fail, and that is enough.
  client.on('error', () => undefined);
  try {
    await client.connect();
    return client;
  } catch (error) {
    await client.end().catch(() => undefined);
    throw error;
  }
}
