import { createHash } from 'node:crypto';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';

/** A context of the docker command: an engine under a name. dbconn uses one only where `compose.docker.context` names it. */
interface DockerContext {
  readonly name: string;
  /** Its engine's address; null where it cannot be read. */
  readonly host: string | null;
  /** The files of its TLS; none where it speaks without. */
  readonly tls?: TlsFiles;
  /** It takes any certificate of the engine. */
  readonly skipsVerification: boolean;
}

/** Paths of files in PEM; what is left out is not used. */
export interface TlsFiles {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

/** Files of some hundred bytes; more is no configuration of Docker's. */
const maxBytes = 64 * 1024;

const Configuration = z.object({ currentContext: z.string().regex(/^\w[\w.+-]{0,60}$/) });
const Meta = z.object({
  Endpoints: z.object({
    docker: z.object({
      Host: z.string().regex(/^[a-z]+:\/\/[\w./:@~-]{1,200}$/),
      SkipTLSVerify: z.boolean().nullish(),
    }),
  }),
});

/** Where the docker command keeps its configuration, unless DOCKER_CONFIG names another folder. */
function usualFolder(): string {
  return join(homedir(), '.docker');
}

/**
 * The current context of `~/.docker/config.json`, as Colima, Rancher Desktop, Docker Desktop and rootless Docker set it
 * (Docker documentation, "Docker contexts"); null where it is the default one or nothing can be read. Never throws.
 */
export function readCurrentContext(folder = usualFolder()): DockerContext | null {
  const name = Configuration.safeParse(readJson(join(folder, 'config.json'))).data?.currentContext;
  return name === undefined || name === 'default' ? null : readContext(name, folder);
}

/** A context by its name, in the layout of the docker command's own store (docker/cli, cli/context/store). Never throws. */
export function readContext(name: string, folder = usualFolder()): DockerContext {
  const id = createHash('sha256').update(name).digest('hex');
  const meta = Meta.safeParse(readJson(join(folder, 'contexts', 'meta', id, 'meta.json')));
  const endpoint = meta.data?.Endpoints.docker;
  const tls = readTlsFiles(join(folder, 'contexts', 'tls', id, 'docker'));
  return {
    name,
    host: endpoint?.Host ?? null,
    ...(tls !== undefined && { tls }),
    skipsVerification: endpoint?.SkipTLSVerify ?? false,
  };
}

function readTlsFiles(folder: string): TlsFiles | undefined {
  const found = (['ca', 'cert', 'key'] as const).flatMap((part) => {
    const path = join(folder, `${part}.pem`);
    return existsSync(path) ? [[part, path] as const] : [];
  });
  return found.length === 0 ? undefined : Object.fromEntries(found);
}

/** Undefined where there is nothing to read. */
function readJson(path: string): unknown {
  try {
    return statSync(path).size > maxBytes ? undefined : JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}
