import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import type { Replica } from './replica.ts';

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
