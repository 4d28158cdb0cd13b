import { posix } from 'node:path';
import type Docker from 'dockerode';
import { withinBudget } from '../docker/within-budget.ts';
import { DockerFailure, readStatus } from '../docker/failure.ts';
import { readTar, writeTar } from './tar.ts';
import type { TarFile } from './tar.ts';

const budgetMs = 30_000;
/** postgresql.auto.conf has a few lines. */
const maxBytes = 1024 * 1024;

/**
 * A file of a container, volumes included, whether it runs or not; undefined when there is none.
 * Throws what dockerode throws, DockerFailure or BudgetExceeded.
 */
export async function readContainerFile(
  docker: Docker,
  id: string,
  path: string,
): Promise<TarFile | undefined> {
  try {
    return await withinBudget(budgetMs, async (abortSignal) => {
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
  await withinBudget(budgetMs, (abortSignal) =>
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
