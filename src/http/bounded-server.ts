import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';

/** How long a client may take, in milliseconds. */
export interface HttpBounds {
  readonly headersTimeout: number;
  /** For the whole request, from its first byte to its last. */
  readonly requestTimeout: number;
  readonly keepAliveTimeout: number;
  /** How often the two above are looked after. */
  readonly connectionsCheckingInterval: number;
}

interface BoundedServer {
  /** Undefined while it does not listen. */
  readonly port: number | undefined;
  /** Rejects as `listen` does where the port cannot be had. 0 takes any free port; all interfaces without a host. */
  open(address: { readonly port: number; readonly host?: string }): Promise<void>;
  /** Takes nothing more on, and lets what is under way end within three seconds. Safe to call twice. */
  close(): Promise<void>;
}

/** A header or a body that drips in holds a connection: these are many times what a slow network needs. */
const usualBounds: HttpBounds = {
  headersTimeout: 5000,
  requestTimeout: 10_000,
  keepAliveTimeout: 5000,
  connectionsCheckingInterval: 1000,
};
const headerBytes = 16 * 1024;
/** Prometheus, Alertmanager, a supervisor and Slack need a few dozen; what is beyond is closed unheard. */
const mostConnections = 200;
const lastRequestsMs = 3000;

/** An HTTP server that bounds its connections, and how long and how large their headers may be. */
export function createBoundedServer(
  serve: (request: IncomingMessage, response: ServerResponse) => void,
  bounds: HttpBounds = usualBounds,
): BoundedServer {
  const server = createServer({ ...bounds, maxHeaderSize: headerBytes }, (request, response) => {
    // Both end a connection that breaks off; without a listener the process would end with it.
    request.on('error', () => response.destroy());
    response.on('error', () => response.destroy());
    serve(request, response);
  });
  server.maxConnections = mostConnections;
  // For a client that opens a connection and sends nothing: there the header's time-out does not count yet.
  server.timeout = 3 * bounds.requestTimeout;
  return {
    get port() {
      const address = server.address();
      return address !== null && typeof address === 'object' ? address.port : undefined;
    },
    async open({ port, host }) {
      server.listen(port, host);
      await once(server, 'listening');
    },
    async close() {
      if (!server.listening) return;
      const cut = setTimeout(() => server.closeAllConnections(), lastRequestsMs);
      const closed = once(server, 'close');
      server.close();
      server.closeIdleConnections();
      await closed;
      clearTimeout(cut);
    },
  };
}
