import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';

/** Where to ask: the configured address, or one replica's own behind the same name. */
export interface Replica {
  readonly url: string;
  /** The name to send as Host when `url` holds an address in its place. */
  readonly host?: string;
}

/** Host, port and path. A password, a token in the query and the fragment stay here. */
export function toShown({ url, host }: Replica): string {
  if (!URL.canParse(url)) return 'an address that cannot be read';
  const parsed = new URL(url);
  return host === undefined
    ? `${parsed.host}${parsed.pathname}`
    : `${host}${parsed.pathname} (${parsed.hostname})`;
}

const replicasMax = 50;

type ResolveName = (name: string) => Promise<string[]>;

/**
 * The replicas behind a plain http address. Docker's DNS answers a scaled service's name with every
 * container's address; asking the name alone would show one of them at random. Only IPv4 is expanded, as
 * `localhost` is the same process on both families, and only http, as certificates are made out to the name.
 * Never throws: a name that cannot be looked up fails where it is read.
 */
export async function findReplicas(
  url: string,
  signal: AbortSignal,
  resolveName: ResolveName = resolveWithSystem,
): Promise<Replica[]> {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed?.protocol !== 'http:' || isIP(parsed.hostname.replaceAll(/[[\]]/g, '')) !== 0) {
    return [{ url }];
  }
  const addresses = await withinSignal(resolveName(parsed.hostname), signal);
  if (addresses.length < 2) return [{ url }];
  return addresses.slice(0, replicasMax).map((address) => {
    const own = new URL(parsed);
    own.hostname = address;
    return { url: own.href, host: parsed.host };
  });
}

async function resolveWithSystem(name: string): Promise<string[]> {
  const all = await lookup(name, { all: true, family: 4 });
  return all.map(({ address }) => address);
}

/** The resolver cannot be cancelled, so a hanging one is left behind when the signal fires. */
async function withinSignal(found: Promise<string[]>, signal: AbortSignal): Promise<string[]> {
  const aborted = new Promise<string[]>((resolve) => {
    signal.addEventListener('abort', () => resolve([]), { once: true });
  });
  const sorted = found.then(
    (addresses) => [...new Set(addresses)].sort(),
    () => [],
  );
  return Promise.race([sorted, aborted]);
}

/** One metrics address as dbconn.yml gives it. */
export interface PoolEndpoint {
  readonly service: string;
  readonly url: string;
  /** Such as an Authorization header. Sent, never shown. */
  readonly headers?: Readonly<Record<string, string>>;
  /** A name of `presets`; without one all are tried in turn. */
  readonly preset?: string;
  /** Series per figure, such as `{ checkedOut: 'db_connections{state="checked_out"}' }`; they beat the preset. */
  readonly names?: Readonly<Record<string, string>>;
  /** For metrics that lack them: most exporters do not publish max_overflow. */
  readonly poolSize?: number;
  readonly maxOverflow?: number;
}
