import { randomBytes } from 'node:crypto';
import { open, rename, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { codeOf } from './env-file-failure.ts';

export interface Owner {
  readonly uid: number;
  readonly gid: number;
  readonly mode: number;
}

/** Nobody but us reads it before it has the owner it shall have. */
const privateMode = 0o600;

/** Whole or not at all: written beside, brought to the disk, then renamed over. */
export async function replaceFile(
  path: string,
  content: Buffer | string,
  owner: Owner,
): Promise<void> {
  const directory = dirname(path);
  const temporary = join(directory, `.${basename(path)}.dbconn-${randomBytes(6).toString('hex')}`);
  try {
    const handle = await open(temporary, 'wx', privateMode);
    try {
      await handle.writeFile(content);
      const { uid, gid } = await handle.stat();
      if (uid !== owner.uid || gid !== owner.gid) await handle.chown(owner.uid, owner.gid);
      // After the owner: changing that takes special bits away.
      await handle.chmod(owner.mode);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await unlink(temporary).catch(unlessMissing);
    throw error;
  }
  const folder = await open(directory, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** What is not there is no error: undefined instead. */
export function unlessMissing(error: unknown): undefined {
  if (codeOf(error) !== 'ENOENT') throw error;
}
