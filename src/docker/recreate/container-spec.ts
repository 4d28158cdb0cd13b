import { z } from 'zod';
import { Inspected } from '../containers.ts';

const Mount = z.object({
  Type: z.string(),
  Name: z.string().nullish(),
  Source: z.string().nullish(),
  Destination: z.string(),
  RW: z.boolean().nullish(),
});

const Endpoint = z.looseObject({
  IPAddress: z.string().nullish(),
  GlobalIPv6Address: z.string().nullish(),
  Aliases: z.array(z.string()).nullish(),
});

/** A container with everything its successor is made of. What is not named here is carried over unread. */
export const Recreatable = Inspected.extend({
  Image: z.string(),
  Config: z.looseObject({
    ...Inspected.shape.Config.shape,
    Image: z.string(),
    Hostname: z.string().nullish(),
    StopTimeout: z.number().nullish(),
  }),
  HostConfig: z.looseObject({
    Memory: z.number().nullish(),
    NetworkMode: z.string().nullish(),
    AutoRemove: z.boolean().nullish(),
    Binds: z.array(z.string()).nullish(),
    Links: z.array(z.string()).nullish(),
    VolumesFrom: z.array(z.string()).nullish(),
    Mounts: z
      .array(z.looseObject({ Type: z.string(), Target: z.string(), Source: z.string().nullish() }))
      .nullish(),
  }),
  Mounts: z.array(Mount).nullish(),
  NetworkSettings: z.object({ Networks: z.record(z.string(), Endpoint).nullish() }).nullish(),
});
export type Recreatable = z.infer<typeof Recreatable>;

export interface RecreateSpec {
  readonly name: string;
  /** The body of `POST /containers/create`. Its `Env` holds passwords: it must never become part of an address. */
  readonly body: Readonly<Record<string, unknown>>;
  /** Networks beside the first; an engine before API 1.44 takes only one when it creates. */
  readonly furtherNetworks: readonly (readonly [
    name: string,
    endpoint: Readonly<Record<string, unknown>>,
  ])[];
}

/** Of a network's endpoint what somebody configured; everything else the engine generates, and would refuse. */
const configuredOfEndpoint = ['IPAMConfig', 'Links', 'Aliases', 'DriverOpts', 'GwPriority'];
/** Old engines show these, newer ones refuse them; the rest is about one run. */
const leftovers = ['KernelMemory', 'KernelMemoryTCP', 'ConsoleSize', 'ContainerIDFile', 'Cgroup'];

/**
 * The specification of a container that differs from this one in these variables only; null takes one away.
 * @param taggedImage the id its image's name leads to now; another one than the container's is not used, or a
 * change of two numbers would deploy a new build.
 */
export function toRecreateSpec(
  from: Recreatable,
  variables: Readonly<Record<string, number | null>>,
  taggedImage: string | null,
): RecreateSpec {
  const shortId = from.Id.slice(0, 12);
  const mode = from.HostConfig.NetworkMode ?? '';
  const { Hostname: hostname, ...config } = from.Config;
  const networks = toNetworks(from, shortId);
  const [first, ...furtherNetworks] = networks.toSorted(
    ([a], [b]) => Number(b === mode) - Number(a === mode),
  );
  // The engine's own choice of a host name is the old id; on the host's network it is the host's.
  const ownHostname = hostname != null && hostname !== shortId && mode !== 'host';
  return {
    name: from.Name.replace(/^\//, ''),
    body: {
      ...config,
      ...(ownHostname && { Hostname: hostname }),
      Image: taggedImage === from.Image ? from.Config.Image : from.Image,
      Env: setEnvironment(from.Config.Env ?? [], variables),
      HostConfig: toHostConfig(from),
      NetworkingConfig: { EndpointsConfig: first === undefined ? {} : { [first[0]]: first[1] } },
    },
    furtherNetworks,
  };
}

/** In place and in order. */
function setEnvironment(
  entries: readonly string[],
  variables: Readonly<Record<string, number | null>>,
): string[] {
  let next = [...entries];
  for (const [name, value] of Object.entries(variables)) {
    const at = next.findIndex((entry) => entry.startsWith(`${name}=`));
    const fresh = value === null ? [] : [`${name}=${value}`];
    next = next.filter((entry) => !entry.startsWith(`${name}=`));
    next.splice(at === -1 ? next.length : at, 0, ...fresh);
  }
  return next;
}

function toHostConfig({ HostConfig: host, Mounts: mounts }: Recreatable): Record<string, unknown> {
  const kept = Object.entries(host).filter(([name]) => !leftovers.includes(name));
  const named = nameVolumes(host, mounts ?? []);
  return {
    ...Object.fromEntries(kept),
    ...(named.length > 0 && { Mounts: named }),
    // Shown as /source:/this/alias, taken as source:alias.
    ...(host.Links != null && { Links: host.Links.map(toLink) }),
  };
}

function toLink(shown: string): string {
  const [source = '', alias = ''] = shown.split(':');
  return `${source.replace(/^\//, '')}:${alias.split('/').at(-1)}`;
}

/** Anonymous volumes by the name the engine gave them; unnamed, the new container would begin with empty ones. */
function nameVolumes(
  host: Recreatable['HostConfig'],
  mounts: NonNullable<Recreatable['Mounts']>,
): Record<string, unknown>[] {
  const configured = (host.Mounts ?? []).map((mount) => {
    const { Type: type, Source: source, Target: target } = mount;
    const found = mounts.find(({ Destination: destination }) => destination === target)?.Name;
    return type === 'volume' && (source ?? '') === '' && found != null
      ? { ...mount, Source: found }
      : mount;
  });
  const taken = new Set([
    ...(host.Mounts ?? []).map(({ Target: target }) => target),
    ...(host.Binds ?? []).map((bind) => bind.split(':')[1]),
  ]);
  // What comes with volumes_from comes again by itself.
  const borrowed = (host.VolumesFrom ?? []).length > 0;
  const anonymous = mounts
    .filter(({ Type: type, Destination: target }) => type === 'volume' && !taken.has(target))
    .map(({ Name: name, Destination: target, RW: writable }) => ({
      Type: 'volume',
      Source: name,
      Target: target,
      ReadOnly: writable === false,
    }));
  return borrowed ? configured : [...configured, ...anonymous];
}

function toNetworks(
  { NetworkSettings: settings, HostConfig: host }: Recreatable,
  shortId: string,
): (readonly [string, Readonly<Record<string, unknown>>])[] {
  const mode = host.NetworkMode ?? '';
  if (mode === 'host' || mode === 'none') return [];
  return Object.entries(settings?.Networks ?? {}).map(([name, endpoint]) => {
    const kept = Object.entries(endpoint).filter(
      ([key, value]) => configuredOfEndpoint.includes(key) && value != null,
    );
    // Before API 1.45 the old container's id is among its aliases.
    const aliases = (endpoint.Aliases ?? []).filter((alias) => alias !== shortId);
    const { Aliases: _shown, ...rest } = Object.fromEntries(kept);
    return [name, { ...rest, ...(aliases.length > 0 && { Aliases: aliases }) }] as const;
  });
}
