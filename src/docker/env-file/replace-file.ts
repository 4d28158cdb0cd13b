import { randomBytes } from 'node:crypto';
import { open, rename, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Problem } from '../../runbook/snapshot/snapshot.ts';

/** Replacing a file makes it the replacer's; only root can give it away again. `file` is its path, as people write it. */
export function toForeign(file: string): Problem {
  return {
    kind: 'forbidden',
    summary: `${file} belongs to somebody else, and dbconn could not keep its owner.`,
    fix: 'Run dbconn as the owner of the project’s files.',
  };
}

export function toUnreadable(file: string): Problem {
  return {
    kind: 'unsupported',
    summary: `The two numbers cannot be written into ${file} without changing what else it says.`,
    fix: 'Give each of them a line of its own, such as DATABASE_POOL_SIZE=10.',
  };
}

/** Codes only: a message of the file system names paths, never content, but says nothing of what to do. */
export function toEnvProblem(error: unknown, file: string): Problem {
  const code = codeOf(error);
  switch (code) {
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return {
        kind: 'forbidden',
        summary: `dbconn may not write ${file}.`,
        fix: 'Mount the project directory writable for dbconn, and run it as the owner of that file.',
      };
    case 'ENOENT':
    case 'ENOTDIR':
      return {
        kind: 'missing',
        summary: `The directory of ${file} is not there.`,
        fix: 'Correct compose.directory in dbconn.yml; in a container, mount the project directory there.',
      };
    case 'EBUSY':
    case 'EXDEV':
      return {
        kind: 'unsupported',
        summary: `${file} is mounted as a single file, which cannot be replaced whole.`,
        fix: 'Mount the project directory instead.',
      };
    case 'EFBIG':
      return {
        kind: 'unsupported',
        summary: `${file} is no plain file of at most 1 MB.`,
        fix: 'Keep the two numbers in a file of variables only.',
      };
    case 'ENOSPC':
    case 'EDQUOT':
      return {
        kind: 'invalid',
        summary: `The disk of ${file} is full.`,
        fix: 'Free some space.',
      };
    default:
      return {
        kind: 'invalid',
        summary: `${file} could not be read or written (${code ?? 'no code'}).`,
        fix: 'Check the file and its directory.',
      };
  }
}

/** Such as `ENOENT`. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined;
}

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
