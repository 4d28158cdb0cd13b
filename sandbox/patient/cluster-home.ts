import { execFile } from 'node:child_process';
import { rmSync } from 'node:fs';
import { chown, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { findBinaries, unprivilegedId } from './binaries.ts';

const run = promisify(execFile);
const asRoot = process.getuid?.() === 0;

/** Whom PostgreSQL's programs run as. */
export const account = asRoot ? { uid: unprivilegedId, gid: unprivilegedId } : {};

/** A folder with `data` as initdb makes it, an empty `socket` and an empty `log`. */
export interface ClusterHome {
  readonly directory: string;
  /** Called once no process of the cluster is left. */
  leave(): Promise<void>;
}

/** What the end of this process removes. */
const directories = new Set<string>();
process.once('exit', () => {
  for (const directory of directories) rmSync(directory, { recursive: true, force: true });
});

/** A home of its own: neither `leave` nor the end of this process leaves anything of it, unless by SIGKILL. */
export async function makeHome(major: number, parent = tmpdir()): Promise<ClusterHome> {
  const initdb = join(await findBinaries(major), 'bin', 'initdb');
  const directory = await mkdtemp(join(parent, `dbconn-pg${major}-`));
  directories.add(directory);
  const leave = async (): Promise<void> => {
    await rm(directory, { recursive: true, force: true });
    directories.delete(directory);
  };
  try {
    await mkdir(join(directory, 'socket'));
    await writeFile(join(directory, 'log'), '');
    if (asRoot) {
      for (const name of ['', 'socket', 'log']) {
        await chown(join(directory, name), unprivilegedId, unprivilegedId);
      }
    }
    const data = ['-D', join(directory, 'data'), '-U', 'postgres', '-A', 'trust', '-N'];
    const options = { ...account, env: { LC_ALL: 'C' }, cwd: directory };
    await run(initdb, [...data, '-E', 'UTF8', '--locale=C'], options);
  } catch (error) {
    await leave();
    throw error;
  }
  return { directory, leave };
}
