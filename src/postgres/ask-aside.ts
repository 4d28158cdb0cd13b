import { connect } from 'node:net';
import type { NetConnectOpts, Socket } from 'node:net';
import type { Client } from 'pg';

/** So long a login may be silent before the server is asked on another connection whether it says anything. */
const silentLoginMs = 700;

/** SSLRequest (PostgreSQL documentation 54.7): answered with one byte, before anything is looked up anywhere. */
const sslRequest = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]);

interface ServerProbe {
  /** Whether the server has answered by now. Nothing is open afterwards. */
  stop(): boolean;
}

/**
 * While a login stays silent, asks the server on a second connection for TLS: where no password is asked for, a login's
 * first byte comes when it is over, so its silence alone does not tell a slow server from a frozen one.
 */
export function probeServer(client: Client, login: Socket): ServerProbe {
  let probe: Socket | undefined;
  const timer = setTimeout(() => {
    if (login.connecting || login.destroyed || login.bytesRead > 0) return;
    probe = connect(addressOf(client), () => probe?.write(sslRequest)).resume();
    probe.on('error', () => undefined); // no answer either
  }, silentLoginMs);
  return {
    stop() {
      clearTimeout(timer);
      probe?.destroy();
      return (probe?.bytesRead ?? 0) > 0;
    },
  };
}

/** Where a connection of this client goes, for Node. */
export function addressOf({ host, port }: Client): NetConnectOpts {
  return host.startsWith('/') ? { path: `${host}/.s.PGSQL.${port}` } : { host, port };
}
