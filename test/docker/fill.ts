import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';

/** Sessions that are just ending give their slots back one after another. */
const refusalsInARow = 8;
const pauseMs = 100;

/** Connects until the server goes on refusing: one by one, for those being refused take slots for a moment too. */
export async function fill(url: string): Promise<Client[]> {
  const clients: Client[] = [];
  let refusals = 0;
  while (refusals < refusalsInARow) {
    const client = new Client(url);
    client.on('error', () => undefined); // ended with the stack
    try {
      await client.connect();
      clients.push(client);
      refusals = 0;
    } catch {
      refusals += 1;
      await sleep(pauseMs);
    }
  }
  return clients;
}
