import { hostname } from 'node:os';
import { posix } from 'node:path';
import type Docker from 'dockerode';
import { Inspected, observe } from '../containers.ts';

/** Docker names a container's host after the beginning of its id, unless told otherwise. */
export function ownContainer(): readonly string[] {
  const name = hostname();
  return /^[0-9a-f]{12}$/.test(name) ? [name] : [];
}

/**
 * Where dbconn sees the host's files: in a container at what is mounted there, elsewhere at their own path. Where
 * Docker does not say what is mounted, paths are taken as they are.
 */
export async function readOwnPaths(docker: Docker): Promise<(path: string) => string> {
  const [own] = ownContainer();
  // A host that is named like a container and is none, or an engine that does not answer: nothing is known.
  const inspected = own === undefined ? null : (await observe(docker, own, Inspected)).inspected;
  const mounts = (inspected?.Mounts ?? [])
    .map(({ Source: source, Destination: destination }) => ({ source: source ?? '', destination }))
    .filter(({ source }) => source !== '')
    .toSorted((a, b) => b.source.length - a.source.length);
  return (path) => toOwn(path, mounts);
}

function toOwn(
  path: string,
  mounts: readonly { readonly source: string; readonly destination: string }[],
): string {
  const mount = mounts.find(({ source }) => {
    const within = posix.relative(source, path);
    return within !== '..' && !within.startsWith('../');
  });
  if (mount === undefined || !posix.isAbsolute(path)) return path;
  return posix.join(mount.destination, posix.relative(mount.source, path));
}
