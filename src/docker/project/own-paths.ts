import { hostname } from 'node:os';
import { posix } from 'node:path';
import type Docker from 'dockerode';
import { z } from 'zod';
import { withinBudget } from '../within-budget.ts';

const budgetMs = 2_000;

const Own = z.object({
  Mounts: z.array(z.object({ Source: z.string(), Destination: z.string() })).nullish(),
});

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
  if (own === undefined) return (path) => path;
  try {
    const answer = await withinBudget(budgetMs, (abortSignal) =>
      docker.getContainer(own).inspect({ abortSignal }),
    );
    const mounts = (Own.parse(answer).Mounts ?? []).toSorted(
      (a, b) => b.Source.length - a.Source.length,
    );
    return (path) => toOwn(path, mounts);
  } catch {
    // A host that is named like a container and is none, or an engine that does not answer: nothing is known.
    return (path) => path;
  }
}

function toOwn(
  path: string,
  mounts: readonly { readonly Source: string; readonly Destination: string }[],
): string {
  const mount = mounts.find(({ Source: source }) => {
    const within = posix.relative(source, path);
    return within !== '..' && !within.startsWith('../');
  });
  if (mount === undefined || !posix.isAbsolute(path)) return path;
  return posix.join(mount.Destination, posix.relative(mount.Source, path));
}
