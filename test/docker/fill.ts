import { Client } from 'pg';

/** Connects until the server refuses: one by one, for those being refused take slots for a moment too. */
export async function fill(url: string): Promise<Client[]> {
  const clients: Client[] = [];
  for (;;) {
    const client = new Client(url);
    client.on('error', () => undefined); // ended with the stack
    try {
      await client.connect();
    } catch {
      return clients;
    }
    clients.push(client);
  }
}
