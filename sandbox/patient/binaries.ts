import { existsSync, rmSync, statSync } from 'node:fs';
import { chmod, cp, mkdtemp, readFile, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';

/** PostgreSQL refuses to run as root, so root's clusters run as this existing account. */
export const unprivilegedId = 65534;

const Symlinks = z.array(z.object({ source: z.string(), target: z.string() }));

const copies = new Map<string, Promise<string>>();

/**
 * The directory with `bin`, `lib` and `share` of a PostgreSQL major, readable by the account that will run it.
 * Throws when npm left that major out, as it does on platforms without a build.
 */
export async function findBinaries(major: number): Promise<string> {
  const native = nativeDirectory(major);
  if (native === undefined) {
    const platform = `${process.platform}-${process.arch}`;
    throw new Error(
      `PostgreSQL ${major} for ${platform} is not installed. Run "npm ci" on Linux (x64 or arm64).`,
    );
  }
  if (existsSync(join(native, 'lib', 'libpq.so.5')) && isReachable(native)) return native;
  const copy = copies.get(native) ?? copyBinaries(native);
  copies.set(native, copy);
  return copy;
}

/**
 * Whether this major can be started here. Every major from 13 to 18 can where `DBCONN_EXTRA_PG` has the rest.
 *
 * @internal Tests alone leave out what is not there: the demo and the bench say that it is missing.
 */
export function hasBinaries(major: number): boolean {
  return nativeDirectory(major) !== undefined;
}

function nativeDirectory(major: number): string | undefined {
  const name = `pg${major}-${process.platform}-${process.arch}`;
  const extra = process.env['DBCONN_EXTRA_PG'];
  const roots = [fileURLToPath(new URL('../../node_modules', import.meta.url))];
  if (extra !== undefined) roots.push(join(extra, 'node_modules'));
  return roots.map((root) => join(root, name, 'native')).find((path) => existsSync(path));
}

/** A clone under root's 0700 home cannot be read by the unprivileged account. */
function isReachable(path: string): boolean {
  if (process.getuid?.() !== 0) return true;
  for (let at = path; at !== dirname(at); at = dirname(at)) {
    if ((statSync(at).mode & 0o005) !== 0o005) return false;
  }
  return true;
}

async function copyBinaries(native: string): Promise<string> {
  const place = await mkdtemp(join(tmpdir(), 'dbconn-postgres-'));
  process.once('exit', () => rmSync(place, { recursive: true, force: true }));
  await chmod(place, 0o755);
  await cp(native, join(place, 'native'), { recursive: true, verbatimSymlinks: true });
  // npm 12 does not run the package's install script, which would have made these.
  const list = await readFile(join(place, 'native', 'pg-symlinks.json'), 'utf8');
  for (const { source, target } of Symlinks.parse(JSON.parse(list))) {
    const at = join(place, target);
    if (!existsSync(at)) await symlink(basename(source), at);
  }
  return join(place, 'native');
}
