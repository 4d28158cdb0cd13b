import { connect } from 'node:net';
import type { Socket } from 'node:net';
import type { Cluster } from '../../../sandbox/patient/cluster.ts';

/** Terminate (PostgreSQL documentation 54.7). */
const goodbye = Buffer.from([88, 0, 0, 0, 4]);

/** Clients without a pool: each logs in, leaves at once, and comes again. */
export class LoginStorm {
  readonly #open = new Set<Socket>();
  #isOver = false;
  /** Logins that came to their end. */
  logins = 0;

  constructor({ port }: Cluster, user: string, clients: number) {
    for (let client = 0; client < clients; client += 1) this.#logIn(port, user);
  }

  end(): void {
    this.#isOver = true;
    for (const socket of this.#open) socket.destroy();
  }

  #logIn(port: number, user: string): void {
    const socket = connect(port, '127.0.0.1', () => socket.write(startup(user)));
    this.#open.add(socket);
    socket.on('error', () => undefined); // it closes, too
    socket.on('data', (answer) => {
      if (!isReady(answer)) return;
      this.logins += 1;
      socket.end(goodbye);
    });
    socket.once('close', () => {
      this.#open.delete(socket);
      if (!this.#isOver) this.#logIn(port, user);
    });
  }
}

/** ReadyForQuery ends what the server says to a login. */
function isReady(answer: Buffer | string): boolean {
  return (
    typeof answer !== 'string' && answer.subarray(-6, -1).toString('latin1') === 'Z\0\0\0\u0005'
  );
}

function startup(user: string): Buffer {
  const body = `\0\0\0\0\0\u0003\0\0user\0${user}\0database\0postgres\0\0`;
  const packet = Buffer.from(body, 'latin1');
  packet.writeInt32BE(packet.length);
  return packet;
}
