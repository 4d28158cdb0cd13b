import { once } from 'node:events';
import { createServer, connect } from 'node:net';
import type { Server, Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

type Way = 'there' | 'back';

/** Of a WebSocket: a whole text message, as a server sends it. */
const textFrame = 0x81;

/**
 * A TCP road to a port of this machine. It delivers late, in both directions or only on the way there, holds back,
 * cuts off, and delivers twice.
 */
export class SlowRoad {
  readonly #port: number;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #near = new Set<Socket>();
  #messagesLeft = Number.POSITIVE_INFINITY;
  #delayMs = { there: 0, back: 0 };
  #open: PromiseWithResolvers<void> | undefined;
  #hold: { readonly text: string; readonly ms: number } | undefined;
  #held = 0;
  #repeated: RegExp | undefined;

  private constructor(port: number) {
    this.#port = port;
    this.#server = createServer((near) => {
      const far = connect(port, '127.0.0.1');
      this.#near.add(near);
      const said: Said = { bytes: [] };
      this.#carry({ from: near, to: far, way: 'there' }, (chunk) => said.bytes.push(chunk));
      this.#carry({ from: far, to: near, way: 'back' }, () => this.#repeat(said));
    });
  }

  static async to(port: number): Promise<SlowRoad> {
    const road = new SlowRoad(port);
    road.#server.listen(0, '127.0.0.1');
    await once(road.#server, 'listening');
    return road;
  }

  get port(): number {
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  delayBy(there: number, back = there): void {
    this.#delayMs = { there, back };
  }

  /** Delivers nothing more until `release`, and then everything in its order. */
  hold(): void {
    this.#open ??= Promise.withResolvers<void>();
  }

  release(): void {
    this.#open?.resolve();
    this.#open = undefined;
  }

  /** Breaks off who comes by it after so many more messages. What is under way to the port still arrives there. */
  cutAfter(messages: number): void {
    this.#messagesLeft = messages;
  }

  /** The same at once. */
  cut(): void {
    this.#messagesLeft = Number.POSITIVE_INFINITY;
    for (const socket of this.#near) socket.destroy();
  }

  /**
   * Until it is called again: requests whose bytes match are made once more, on a connection of their own whose answer
   * nobody reads, and a WebSocket's messages on the way back arrive twice.
   */
  repeat(requests: RegExp | undefined): void {
    this.#repeated = requests;
  }

  /** Holds the next message with this text for so long, and what follows it in its connection. */
  holdFrom(text: string, ms: number): void {
    this.#hold = { text, ms };
  }

  /** Whether the message that was waited for has come, and is held. */
  get hasCaught(): boolean {
    return this.#held > 0;
  }

  /** Whether a message is held at this moment. */
  get isHolding(): boolean {
    return this.#hold !== undefined || this.#held > 0;
  }

  close(): void {
    this.release();
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }

  #beginHold(chunk: Buffer): number {
    if (this.#hold === undefined || !chunk.includes(this.#hold.text)) return 0;
    const { ms } = this.#hold;
    this.#hold = undefined;
    this.#held += 1;
    setTimeout(() => (this.#held -= 1), ms);
    return ms;
  }

  #carry({ from, to, way }: Lane, onPassing: (chunk: Buffer) => void): void {
    this.#sockets.add(from);
    // One after the other, so that a delay that ends lets nothing overtake.
    let last = Promise.resolve();
    let heldMs = 0;
    const inTurn = (deliver: () => void): void => {
      const dueMs = performance.now() + this.#delayMs[way] + heldMs;
      last = last.then(async () => {
        const waitMs = dueMs - performance.now();
        if (waitMs > 0) await sleep(waitMs);
        await this.#open?.promise;
        deliver();
      });
    };
    from.on('data', (chunk: Buffer) => {
      if (way === 'there') this.#messagesLeft -= 1;
      if (way === 'there') heldMs += this.#beginHold(chunk);
      onPassing(chunk);
      const isTwice = way === 'back' && this.#repeated !== undefined && isWholeFrame(chunk);
      inTurn(() => {
        if (to.writable) to.write(isTwice ? Buffer.concat([chunk, chunk]) : chunk);
      });
      if (this.#messagesLeft <= 0) this.cut();
    });
    from.on('error', () => undefined); // it closes, too
    from.on('close', () => {
      this.#sockets.delete(from);
      this.#near.delete(from);
      inTurn(() => to.end());
    });
  }

  /** Its answer begins, so all of the request has passed. */
  #repeat(said: Said): void {
    const request = Buffer.concat(said.bytes.splice(0));
    if (this.#repeated?.test(request.toString('latin1')) !== true) return;
    const again = connect(this.#port, '127.0.0.1');
    this.#sockets.add(again);
    again.on('error', () => undefined); // it closes, too
    again.on('close', () => this.#sockets.delete(again));
    again.resume();
    again.write(request);
  }
}

/** What the near end said since the far end last spoke. */
interface Said {
  readonly bytes: Buffer[];
}

interface Lane {
  readonly from: Socket;
  readonly to: Socket;
  readonly way: Way;
}

function isWholeFrame(chunk: Buffer): boolean {
  if (chunk.length < 4 || chunk[0] !== textFrame) return false;
  const [length, header] = chunk[1] === 126 ? [chunk.readUInt16BE(2), 4] : [chunk[1] ?? 0, 2];
  return chunk.length === header + length;
}
