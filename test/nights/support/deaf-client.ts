import { Socket } from 'node:net';
import { Client } from 'pg';
import type { Submittable } from 'pg';

interface Way {
  readonly url: string;
  readonly application: string;
}

/** A client that asks for more than the network buffers, and reads no more. */
export async function stopReading({ url, application }: Way): Promise<Socket> {
  const { client, socket } = await connect(url, application);
  socket.pause();
  client
    .query(`COPY (SELECT repeat('x', 1000) FROM generate_series(1, 100000)) TO STDOUT`)
    .catch(() => undefined); // it never ends
  return socket;
}

/** A client that begins to load data, and sends none. */
export async function stopSending({ url, application }: Way, table: string): Promise<Socket> {
  const { client, socket } = await connect(url, application);
  client.query(new SilentCopy(`COPY ${table} FROM STDIN`));
  return socket;
}

async function connect(
  url: string,
  application: string,
): Promise<{ client: Client; socket: Socket }> {
  const socket = new Socket();
  const client = new Client({
    connectionString: url,
    application_name: application,
    stream: () => socket,
  });
  client.on('error', () => undefined); // ended with the scene
  await client.connect();
  return { client, socket };
}

class SilentCopy implements Submittable {
  readonly #sql: string;

  constructor(sql: string) {
    this.#sql = sql;
  }

  submit(connection: { query(sql: string): void }): void {
    connection.query(this.#sql);
  }

  handleCopyInResponse(): void {
    // Nothing is sent.
  }

  handleError(): void {
    // It ends with the scene.
  }
}
