import { Socket } from 'node:net';
import type { SocketConnectOpts } from 'node:net';

/** pg connects a socket itself, by port and host only; this one adds where from. */
export class LocalSocket extends Socket {
  readonly #localAddress: string | undefined;

  constructor(localAddress: string | undefined) {
    super();
    this.#localAddress = localAddress;
  }

  override connect(
    to: SocketConnectOpts | number | string,
    host?: string | (() => void),
    listener?: () => void,
  ): this {
    const from = this.#localAddress;
    const known = typeof to === 'number' && typeof host === 'string' && from !== undefined;
    if (known) return super.connect({ port: to, host, localAddress: from }, listener);
    if (typeof to === 'number') {
      return typeof host === 'string' ? super.connect(to, host, listener) : super.connect(to, host);
    }
    const then = typeof host === 'function' ? host : listener;
    return typeof to === 'string' ? super.connect(to, then) : super.connect(to, then);
  }
}
