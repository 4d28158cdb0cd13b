import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';

/** The context the docker command uses on this machine. dbconn itself is told by DOCKER_HOST only. */
interface DockerContext {
  readonly name: string;
  /** Its engine's address; null where it cannot be read, or is none that dbconn speaks. */
  readonly host: string | null;
}

/** Files of some hundred bytes; more is no configuration of Docker's. */
const maxBytes = 64 * 1024;

const Configuration = z.object({ currentContext: z.string().regex(/^\w[\w.+-]{0,60}$/) });
const Meta = z.object({
  Endpoints: z.object({
    docker: z.object({ Host: z.string().regex(/^(?:unix|npipe|tcp):\/\/[\w./:~-]{1,200}$/) }),
  }),
});

/**
 * The current context of `~/.docker/config.json`, as Colima, Rancher Desktop, Docker Desktop and rootless Docker set it
 * (Docker documentation, "Docker contexts"); null where it is the default one or nothing can be read. Never throws.
 */
export function readDockerContext(): DockerContext | null {
  const folder = join(homedir(), '.docker');
  const name = Configuration.safeParse(readJson(join(folder, 'config.json'))).data?.currentContext;
  if (name === undefined || name === 'default') return null;
  const id = createHash('sha256').update(name).digest('hex');
  const meta = Meta.safeParse(readJson(join(folder, 'contexts', 'meta', id, 'meta.json')));
  return { name, host: meta.data?.Endpoints.docker.Host ?? null };
}

/** Undefined where there is nothing to read: this only completes a sentence about something that failed already. */
function readJson(path: string): unknown {
  try {
    return statSync(path).size > maxBytes ? undefined : JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}
