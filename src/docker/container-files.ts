import { posix } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type Docker from 'dockerode';
import { z } from 'zod';
import { DockerFailure, readStatus } from './failure.ts';
import { withTimeout } from '../timing.ts';

/** The one regular file of a small tar archive, as Docker hands out and takes files of containers. */
export interface TarFile {
  readonly name: string;
  /** Permission bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Seconds since the epoch. */
  readonly modifiedAt: number;
  readonly bytes: Buffer;
}

const block = 512;

/** Offsets and lengths of the header's fields (POSIX.1-1988, ustar). */
const fields = {
  name: [0, 100],
  mode: [100, 8],
  uid: [108, 8],
  gid: [116, 8],
  size: [124, 12],
  modifiedAt: [136, 12],
  checksum: [148, 8],
  type: [156, 1],
  magic: [257, 8],
} as const;
type Field = keyof typeof fields;

/** The first regular file; undefined when the archive holds none. Extended headers before it are skipped. */
export function readTar(archive: Buffer): TarFile | undefined {
  for (let at = 0; at + block <= archive.length;) {
    const header = archive.subarray(at, at + block);
    const size = readOctal(header, 'size');
    const type = readText(header, 'type');
    if (readText(header, 'name') === '' || Number.isNaN(size)) return undefined;
    const bytes = archive.subarray(at + block, at + block + size);
    if (type === '0' || type === '') {
      if (bytes.length < size) return undefined;
      return {
        name: readText(header, 'name'),
        mode: readOctal(header, 'mode') & 0o7777,
        uid: readOctal(header, 'uid'),
        gid: readOctal(header, 'gid'),
        modifiedAt: readOctal(header, 'modifiedAt'),
        bytes,
      };
    }
    at += block + Math.ceil(size / block) * block;
  }
  return undefined;
}

/** An archive of this one file. Throws for a name that does not fit into a plain header. */
export function writeTar({ name, mode, uid, gid, modifiedAt, bytes }: TarFile): Buffer {
  if (Buffer.byteLength(name) > fields.name[1]) throw new RangeError('The name is too long.');
  const header = Buffer.alloc(block);
  header.write(name, fields.name[0]);
  writeOctal(header, 'mode', mode);
  writeOctal(header, 'uid', uid);
  writeOctal(header, 'gid', gid);
  writeOctal(header, 'size', bytes.length);
  writeOctal(header, 'modifiedAt', modifiedAt);
  header.write('0', fields.type[0]);
  header.write('ustar\u000000', fields.magic[0]);
  // The sum is taken with blanks where it will stand.
  header.fill(' ', fields.checksum[0], fields.checksum[0] + fields.checksum[1]);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, fields.checksum[0]);
  const padding = Buffer.alloc((block - (bytes.length % block)) % block);
  return Buffer.concat([header, bytes, padding, Buffer.alloc(2 * block)]);
}

function readText(header: Buffer, field: Field): string {
  const [at, length] = fields[field];
  return header.toString('utf8', at, at + length).replace(/\0.*$/s, '');
}

function readOctal(header: Buffer, field: Field): number {
  return Number.parseInt(readText(header, field).trim(), 8);
}

function writeOctal(header: Buffer, field: Field, value: number): void {
  const [at, length] = fields[field];
  header.write(`${value.toString(8).padStart(length - 1, '0')}\0`, at);
}

const budgetMs = 30_000;
/** postgresql.auto.conf has a few lines. */
const maxBytes = 1024 * 1024;

/**
 * A file of a container, volumes included, whether it runs or not; undefined when there is none.
 * Throws what dockerode throws, DockerFailure or TimedOut.
 */
export async function readContainerFile(
  docker: Docker,
  id: string,
  path: string,
): Promise<TarFile | undefined> {
  try {
    return await withTimeout(budgetMs, async (abortSignal) => {
      const options = { abortSignal, _query: { path } };
      const stream = await docker.getContainer(id).getArchive(options);
      return readTar(await collect(stream));
    });
  } catch (error) {
    if (readStatus(error) === 404) return undefined;
    throw error;
  }
}

/** Writes it with its owner and mode: Docker would take what the archive does not say as root's. */
export async function writeContainerFile(
  docker: Docker,
  id: string,
  { path, ...file }: Omit<TarFile, 'name'> & { readonly path: string },
): Promise<void> {
  const archive = writeTar({ ...file, name: posix.basename(path) });
  await withTimeout(budgetMs, (abortSignal) =>
    docker.getContainer(id).putArchive(archive, {
      abortSignal,
      _query: { path: posix.dirname(path), noOverwriteDirNonDir: 1 },
    }),
  );
}

async function collect(stream: NodeJS.ReadableStream): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of stream) {
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
    length += bytes.length;
    // Headers and padding besides.
    if (length > maxBytes + 16 * 1024) throw new DockerFailure(tooLarge);
    chunks.push(bytes);
  }
  return Buffer.concat(chunks);
}

const tooLarge = {
  kind: 'invalid',
  summary: 'The file in the container is larger than 1 MB.',
} as const;

const removeBudgetMs = 10_000;
const pollMs = 100;

const Exec = z.object({ Running: z.boolean(), ExitCode: z.number().nullable() });

/**
 * Removes a file of a running container, as its own user. False when it could not: the engine's files can only be
 * written from outside, so this takes a program in the container, and a proxy that lets it be run.
 */
export async function removeContainerFile(
  docker: Docker,
  id: string,
  path: string,
): Promise<boolean> {
  try {
    return await withTimeout(removeBudgetMs, async (abortSignal) => {
      const exec = await docker
        .getContainer(id)
        .exec({ Cmd: ['rm', '-f', '--', path], abortSignal });
      // An answer that nobody reads keeps its socket, and with it this process.
      (await exec.start({ Detach: true, abortSignal })).resume();
      for (;;) {
        const state = Exec.parse(await exec.inspect({ abortSignal }));
        if (!state.Running && state.ExitCode !== null) return state.ExitCode === 0;
        await sleep(pollMs, undefined, { signal: abortSignal });
      }
    });
  } catch {
    return false; // refused, or no container to run it in
  }
}
