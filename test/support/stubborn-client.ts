import { Client } from 'pg';

/** One connection of an application that opens it again whenever it is cut off. */
export class StubbornClient {
  readonly #url: () => string;
  readonly #work: Promise<void>;
  #client: Client | undefined;
  #isClosed = false;

  constructor(url: () => string) {
    this.#url = url;
    this.#work = this.#keepOpen();
  }

  async untilOpen(): Promise<void> {
    while (this.#client === undefined) await pause();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#work;
    await this.#client?.end();
  }

  async #keepOpen(): Promise<void> {
    while (!this.#isClosed) {
      if (this.#client === undefined) await this.#open().catch(() => undefined); // it is down
      await pause();
    }
  }

  async #open(): Promise<void> {
    const client = new Client({ connectionString: this.#url(), application_name: 'backend' });
    client.on('error', () => undefined); // cut off
    client.once('end', () => {
      this.#client = undefined;
    });
    await client.connect();
    this.#client = client;
  }
}

function pause(): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, 50);
  });
}
