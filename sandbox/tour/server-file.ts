import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Cluster } from '../patient/cluster.ts';

/** Writes a line into postgresql.conf that nobody restarts for, and returns what puts the server back as it was. */
export async function leaveLine(cluster: Cluster, line: string): Promise<() => Promise<void>> {
  const file = join(cluster.dataDirectory, 'postgresql.conf');
  const original = await readFile(file, 'utf8');
  await appendFile(file, `\n${line}\n`);
  return async () => {
    await writeFile(file, original);
    await restartFresh(cluster);
  };
}

/** Restarts the server without whatever ALTER SYSTEM had set. */
async function restartFresh(cluster: Cluster): Promise<void> {
  await writeFile(join(cluster.dataDirectory, 'postgresql.auto.conf'), '');
  await cluster.stop();
  await cluster.start();
}
