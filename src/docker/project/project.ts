import { readFile, realpath, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { isAbsolute, join, posix, relative, resolve } from 'node:path';
import type Docker from 'dockerode';
import type { Problem } from '../../runbook/snapshot/snapshot.ts';
import { Inspected, observe } from '../containers.ts';
import type { Found } from '../failure.ts';
import { codeOf, unlessMissing } from '../env-file/replace-file.ts';
import { parseComposeFile, readEnvFilePaths } from './compose-file.ts';
import type { ComposeFile } from './compose-file.ts';
import { interpolate, readEnvValues } from './variables.ts';
import type { EnvText, EnvValues } from './variables.ts';

/** Larger than what people write by hand, and than dbconn has to hold. */
const maxBytes = 1024 * 1024;
const maxFiles = 50;

/** Where a project's files are, and what its containers say of it. */
export interface ProjectLocation {
  /** The project's directory as it is configured, and so as dbconn sees it. */
  readonly directory: string;
  /** The file Compose reads variables from, where the containers do not say. */
  readonly envFile: string;
  /** Those of a container of the project. */
  readonly labels: Readonly<Record<string, string>>;
  /** Where dbconn sees what the host has at this path. */
  readonly toOwnPath: (path: string) => string;
}

/** What a compose project's files say. None of it leaves the adapter: they hold passwords. */
export interface ComposeProject {
  readonly directory: string;
  /** In the order in which a later one wins; none where no compose file is there. */
  readonly files: readonly ComposeFile[];
  /** Those that exist, in that order. */
  readonly envTexts: readonly EnvText[];
  readonly environment: EnvValues;
  /** Where a variable goes that none of them has: the last one. */
  readonly envPath: string;
  /** The `env_file`s of every service by its name, those that can be read. */
  readonly envFiles: ReadonlyMap<string, readonly EnvText[]>;
}

/** What Compose reads by itself. */
export const usualEnvFile = '.env';

const label = (name: string): string => `com.docker.compose.project.${name}`;
/** Those that Compose finds by itself, and what it lays over them. */
const usualNames = ['compose.yaml', 'compose.yml', 'docker-compose.yaml', 'docker-compose.yml'];
const overrideNames = usualNames.map((name) => name.replace('.y', '.override.y'));

/** Reads the files a container was made from, by the labels Compose gave it. Never throws. */
export async function readProject(location: ProjectLocation): Promise<Found<ComposeProject>> {
  try {
    const working = location.labels[label('working_dir')];
    if (working !== undefined && !(await isSame(location.toOwnPath(working), location.directory))) {
      return { ok: false, problem: otherProject(location.directory, working) };
    }
    const directory = await realpath(location.directory);
    const files: ComposeFile[] = [];
    for (const path of await findComposeFiles(location, directory)) {
      const file = parseComposeFile(path, await readText(path));
      if (file === undefined) return { ok: false, problem: notUnderstood(path) };
      files.push(file);
    }
    return { ok: true, value: await readVariables(location, directory, files) };
  } catch (error) {
    return { ok: false, problem: toFileProblem(error) };
  }
}

/** A path as people of the project write it. */
export function toShown({ directory }: Pick<ComposeProject, 'directory'>, path: string): string {
  return relative(directory, path);
}

async function readVariables(
  location: ProjectLocation,
  directory: string,
  files: readonly ComposeFile[],
): Promise<ComposeProject> {
  const given = toPaths(location.labels[label('environment_file')]);
  const envPaths = (given.length > 0 ? given : [location.envFile]).map((path) =>
    resolve(directory, location.toOwnPath(path)),
  );
  const envTexts = await readAll(envPaths);
  const environment = readEnvValues(envTexts);
  const lookup = (name: string): string | undefined => environment.get(name)?.value;
  const envFiles = new Map<string, readonly EnvText[]>();
  for (const service of new Set(files.flatMap(({ services }) => [...services.keys()]))) {
    const paths = files.flatMap((file) => readEnvFilePaths(file, service));
    const own = paths.map((path) => location.toOwnPath(interpolate(path, lookup)));
    envFiles.set(service, await readAll(own.map((path) => resolve(directory, path))));
  }
  const envPath = envPaths.at(-1) ?? join(directory, location.envFile);
  return { directory, files, envTexts, environment, envPath, envFiles };
}

async function findComposeFiles(
  { labels, toOwnPath }: ProjectLocation,
  directory: string,
): Promise<readonly string[]> {
  const given = toPaths(labels[label('config_files')]);
  if (given.length > 0) {
    return given.map((path) => (isAbsolute(path) ? toOwnPath(path) : join(directory, path)));
  }
  // Compose 1 and Podman leave the label out; then it is what Compose would find.
  const found = [];
  for (const names of [usualNames, overrideNames]) {
    for (const path of names.map((name) => join(directory, name))) {
      if (await exists(path)) {
        found.push(path);
        break;
      }
    }
  }
  return found;
}

function toPaths(list = ''): readonly string[] {
  return list
    .split(',')
    .filter((path) => path !== '')
    .slice(0, maxFiles);
}

/** Those that are there; Compose does without a `.env`, and without an `env_file` that is not required. */
async function readAll(paths: readonly string[]): Promise<readonly EnvText[]> {
  const texts: EnvText[] = [];
  for (const path of paths.slice(0, maxFiles)) {
    if (await exists(path)) texts.push({ path, text: await readText(path) });
  }
  return texts;
}

async function readText(path: string): Promise<string> {
  const { size } = await stat(path);
  if (size > maxBytes) throw Object.assign(new Error(path), { code: 'EFBIG', path });
  return readFile(path, 'utf8');
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(unlessMissing)) !== undefined;
}

async function isSame(one: string, other: string): Promise<boolean> {
  const [a, b] = await Promise.all([realpath(one).catch(() => one), realpath(other)]);
  return a === b;
}

/** A path is a name and no content: it may be told. */
function toFileProblem(error: unknown): Problem {
  const at = error instanceof Error && 'path' in error ? String(error.path) : 'A file';
  const code = codeOf(error);
  return {
    kind: code === 'EACCES' ? 'forbidden' : 'missing',
    summary: `${at} of the Compose project cannot be read (${code ?? 'no code'}).`,
    fix: 'Correct compose.directory; in a container, mount the project’s files there, readable for dbconn.',
  };
}

function otherProject(directory: string, working: string): Problem {
  return {
    kind: 'not-configured',
    summary: `compose.directory is ${directory}, but the containers’ project is in ${working}.`,
    fix: `Set compose.directory to ${working}; in a container, mount it at the same path.`,
  };
}

function notUnderstood(path: string): Problem {
  return {
    kind: 'unsupported',
    summary: `${path} could not be read as a Compose file.`,
    fix: 'Check it with `docker compose config -q`.',
  };
}

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
