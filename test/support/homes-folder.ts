import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Vitest's global set-up: a folder for what its workers keep, which it ends without letting them clear up. */
export async function setup(): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), 'dbconn-homes-'));
  await chmod(folder, 0o755); // PostgreSQL does not run as root
  process.env['DBCONN_TEST_HOMES'] = folder;
  return () => rm(folder, { recursive: true, force: true });
}
