import { chownSync, lstatSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeHome } from '../../sandbox/patient/cluster-home.ts';
import type { ClusterHome } from '../../sandbox/patient/cluster-home.ts';

/** Homes in which no cluster lives at the moment, each as initdb left it. */
const vacant = new Map<number, ClusterHome[]>();

/**
 * A home that this process uses again: initdb takes more than a second of the processor, and putting back what was
 * written since takes a few hundredths. It is gone with the run.
 */
export async function findKeptHome(major: number): Promise<ClusterHome> {
  return (
    vacant.get(major)?.pop() ?? keep(major, await makeHome(major, process.env['DBCONN_TEST_HOMES']))
  );
}

function keep(major: number, { directory }: ClusterHome): ClusterHome {
  const kept = new Map<string, Kept>();
  for (const { path, isDirectory } of entriesIn(directory)) {
    const { mtimeMs } = lstatSync(path);
    kept.set(path, isDirectory ? undefined : { bytes: readFileSync(path), mtimeMs });
  }
  const home: ClusterHome = {
    directory,
    leave() {
      putBack(directory, kept);
      vacant.set(major, [...(vacant.get(major) ?? []), home]);
      return Promise.resolve();
    },
  };
  return home;
}

/** Of a file; of a directory only that it was there. */
type Kept = { readonly bytes: Buffer; readonly mtimeMs: number } | undefined;

function entriesIn(directory: string): { path: string; isDirectory: boolean }[] {
  const entries = readdirSync(directory, { recursive: true, withFileTypes: true });
  return entries.map((entry) => ({
    path: join(entry.parentPath, entry.name),
    isDirectory: entry.isDirectory(),
  }));
}

function putBack(directory: string, kept: Map<string, Kept>): void {
  for (const { path } of entriesIn(directory)) {
    if (!kept.has(path)) rmSync(path, { recursive: true, force: true });
  }
  const { uid, gid } = lstatSync(directory);
  for (const [path, before] of kept) {
    const now = lstatSync(path, { throwIfNoEntry: false });
    if (before === undefined) continue;
    // PostgreSQL writes a file in place, so a file of the same time and size was not written.
    if (now?.mtimeMs === before.mtimeMs && now.size === before.bytes.length) continue;
    writeFileSync(path, before.bytes, { mode: 0o600 });
    chownSync(path, uid, gid);
    kept.set(path, { bytes: before.bytes, mtimeMs: lstatSync(path).mtimeMs });
  }
}
