import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';

/** Customers who connect, work for a moment and leave, over and over, until they are told to stop. */
export interface Crowd {
  /** Sessions that came and went until now. */
  count(): number;
  stop(): Promise<void>;
}

interface CrowdOptions {
  readonly url: string;
  readonly application: string;
  readonly customers: number;
  /** What each session does; what it throws ends that session alone. */
  readonly work: (client: Client, turn: number) => Promise<void>;
}

export function startCrowd({ url, application, customers, work }: CrowdOptions): Crowd {
  let turn = 0;
  let gone = 0;
  const closing = new AbortController();
  const come = async (): Promise<void> => {
    while (!closing.signal.aborted) {
      const client = new Client({ connectionString: url, application_name: application });
      client.on('error', () => undefined); // it may be ended
      try {
        await client.connect();
        await work(client, (turn += 1));
      } catch {
        // A time-out of its own, or its end: the next one comes all the same. Far below a busy loop.
        await sleep(5);
      }
      await client.end().catch(() => undefined);
      gone += 1;
    }
  };
  const all = Array.from({ length: customers }, () => come());
  return {
    count: () => gone,
    async stop() {
      closing.abort();
      await Promise.all(all);
    },
  };
}
