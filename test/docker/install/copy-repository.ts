import { cp, mkdtemp, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../..', import.meta.url));

/** As a clone is after `npm ci`. */
export async function copyRepository(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'dbconn-install-'));
  const left = new Set(['node_modules', '.git', 'dist', 'dbconn.yml', '.env']);
  await cp(root, folder, { recursive: true, filter: (path) => !left.has(basename(path)) });
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
  return folder;
}
