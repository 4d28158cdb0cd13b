import type { Problem } from '../runbook/diagnose/snapshot.ts';

/** Replacing a file makes it the replacer's; only root can give it away again. */
export const foreign: Problem = {
  kind: 'forbidden',
  summary: "The project's .env belongs to somebody else, and dbconn could not keep its owner.",
  fix: 'Run dbconn as the owner of the project’s files.',
};

export const unreadable: Problem = {
  kind: 'unsupported',
  summary:
    "The two numbers cannot be written into the project's .env without changing what else it says.",
  fix: 'Give each of them a line of its own, such as DATABASE_POOL_SIZE=10.',
};

/** Codes only: a message of the file system names paths, never content, but says nothing of what to do. */
export function toEnvProblem(error: unknown): Problem {
  const code = codeOf(error);
  switch (code) {
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return {
        kind: 'forbidden',
        summary: "dbconn may not write the project's .env.",
        fix: 'Mount the project directory writable for dbconn, and run it as the owner of that file.',
      };
    case 'ENOENT':
    case 'ENOTDIR':
      return {
        kind: 'missing',
        summary: 'There is no project directory where compose.directory says.',
        fix: 'Correct compose.directory in dbconn.yml; in a container, mount the project directory there.',
      };
    case 'EBUSY':
    case 'EXDEV':
      return {
        kind: 'unsupported',
        summary: "The project's .env is mounted as a single file, which cannot be replaced whole.",
        fix: 'Mount the project directory instead.',
      };
    case 'EFBIG':
      return {
        kind: 'unsupported',
        summary: "The project's .env is no plain file of at most 1 MB.",
        fix: 'Correct compose.directory in dbconn.yml.',
      };
    case 'ENOSPC':
    case 'EDQUOT':
      return {
        kind: 'invalid',
        summary: "The disk of the project's .env is full.",
        fix: 'Make room.',
      };
    default:
      return {
        kind: 'invalid',
        summary: `The project's .env could not be read or written (${code ?? 'no code'}).`,
        fix: 'Look at the file and its directory.',
      };
  }
}

/** Such as `ENOENT`. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined;
}
