import { once } from 'node:events';
import { connect } from 'node:net';
import type { NetConnectOpts, Socket } from 'node:net';
import { Client } from 'pg';
import type { DatabaseError } from 'pg';
import type { Phase } from './login-refusal.ts';

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
function addressOf({ host, port }: Client): NetConnectOpts {
  return host.startsWith('/') ? { path: `${host}/.s.PGSQL.${port}` } : { host, port };
}

/**
 * How many lines of the server's source lie between the refusal "no user name" and that for each phase, both in
 * ProcessStartupPacket of postmaster.c. Starting and shutting down were measured with 13.23, 14.3, 14.23, 16.1 and 16.14,
 * shutting down alone with 15.18 and 15.20; recovering follows from the source's layout.
 */
const byDistance: ReadonlyMap<number, Phase> = new Map([
  [64, 'starting'],
  [69, 'shutting-down'], // 13
  [74, 'starting'], // 13, recovering
  [81, 'shutting-down'],
  [86, 'starting'], // recovering
]);

/**
 * From 17 on the refusal is in BackendInitialize of backend_startup.c. Starting and shutting down were measured with 17.0 and
 * 17.10, shutting down with 18.4; the others follow from the source's layout.
 */
const byLine: ReadonlyMap<string, Phase> = new Map([
  ['277', 'starting'],
  ['294', 'shutting-down'],
  ['299', 'starting'], // recovering
  ['316', 'starting'],
  ['333', 'shutting-down'],
  ['338', 'starting'], // recovering
]);

/**
 * What a server does that lets nobody in, where its message is in a language dbconn does not read. Starting up,
 * recovering and shutting down have the same SQLSTATE (57P03) and routine; the line of the server's source is the
 * only field that differs, and a second refusal by the same function tells where that function begins.
 * Undefined for a build with other lines.
 */
export async function readPhase(
  refusal: DatabaseError,
  url: string,
  timeoutMs: number,
): Promise<Phase | undefined> {
  if (refusal.routine === 'BackendInitialize') return byLine.get(refusal.line ?? '');
  if (refusal.routine !== 'ProcessStartupPacket') return undefined;
  const other = await refuseWithoutUser(url, timeoutMs);
  if (other.get('R') !== refusal.routine || other.get('C') !== '28000') return undefined;
  return byDistance.get(Number(refusal.line) - Number(other.get('L')));
}

/** A start-up packet of protocol 3.0 without any parameter. */
const withoutUser = Buffer.from([0, 0, 0, 9, 0, 3, 0, 0, 0]);
/** Of an ErrorResponse (PostgreSQL documentation 54.7): its type and its length. */
const headBytes = 5;

/** Logs in without a user name, which is refused whatever the server does, and before it looks at TLS or pg_hba.conf. */
async function refuseWithoutUser(
  url: string,
  timeoutMs: number,
): Promise<ReadonlyMap<string, string>> {
  const socket = connect(addressOf(new Client({ connectionString: url })));
  const hangUp = setTimeout(() => socket.destroy(), timeoutMs);
  socket.write(withoutUser);
  let answer = '';
  socket.setEncoding('latin1').on('data', (chunk) => {
    answer += chunk.toString();
  });
  try {
    await once(socket, 'close');
  } catch {
    return new Map(); // it cannot be asked: the phase stays unknown
  } finally {
    clearTimeout(hangUp);
  }
  const fields = answer.slice(headBytes).split('\0');
  return new Map(fields.map((field) => [field.slice(0, 1), field.slice(1)]));
}
