import { once } from 'node:events';
import { createServer } from 'node:net';
import type { Server, Socket } from 'node:net';

/** The fields of an ErrorResponse by their letter, as PostgreSQL sends them (documentation 54.8). */
export type Refusal = Readonly<Record<string, string>>;

/** Speaks so much of PostgreSQL's protocol as it takes to refuse every login: the message in any language. */
export class RefusingServer {
  readonly #server: Server;

  private constructor(refusal: Refusal, withoutUser: Refusal) {
    this.#server = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.on('data', (packet) => answer(socket, packet.toString('latin1')));
    });
    const answer = (socket: Socket, packet: string): void => {
      // SSLRequest: no TLS here, and the start-up packet follows.
      if (packet.endsWith('\u0004\u00d2\u0016\u002f')) socket.write('N');
      else socket.end(toMessage(packet.includes('user\0') ? refusal : withoutUser));
    };
  }

  /** @param withoutUser what it says to a start-up packet that names no user */
  static async start(refusal: Refusal, withoutUser: Refusal = refusal): Promise<RefusingServer> {
    const server = new RefusingServer(refusal, withoutUser);
    server.#server.listen(0, '127.0.0.1');
    await once(server.#server, 'listening');
    return server;
  }

  get url(): string {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('It has no port.');
    return `postgres://dbconn@127.0.0.1:${address.port}/postgres`;
  }

  close(): void {
    this.#server.close();
  }
}

function toMessage(refusal: Refusal): Buffer {
  const fields = Object.entries(refusal).map(([letter, text]) => `${letter}${text}\0`);
  const body = Buffer.from(`${fields.join('')}\0`);
  const head = Buffer.alloc(5);
  head.write('E');
  head.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}
