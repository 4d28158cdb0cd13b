import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { access, readFile, realpath, stat, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { EnvEdit, EnvFile, PlannedEdit } from '../../runbook/remedies/e-resize-pool/ports.ts';
import { PrivilegedUnavailable } from '../../runbook/remedies/remedy.ts';
import type { Problem } from '../../runbook/snapshot/snapshot.ts';
import type { Found } from '../failure.ts';
import { nameEnvProblem, setVariables } from './env-text.ts';
import {
  replaceFile,
  toEnvProblem,
  toForeign,
  toUnreadable,
  unlessMissing,
} from './replace-file.ts';
import type { Owner } from './replace-file.ts';

/** Larger than any `.env` that people write; what is larger is something else. */
const maxBytes = 1024 * 1024;
/** A file that was not there before may come to hold passwords. */
const privateMode = 0o600;
const permissionBits = 0o7777;

interface FoundFile {
  readonly path: string;
  /** Null when there is no file. */
  readonly bytes: Buffer | null;
  readonly owner: Owner;
}

/** What is done with a file of variables. Its bytes never leave this module: they hold passwords. */
export const envEdits: Omit<EnvFile, 'planEdit'> = { keepCopy, writeEdit, putBack, removeCopy };

/**
 * What writing these numbers into the file at this path would make of it, or why that cannot be. Changes nothing.
 * @param shown the file's path as people of the project write it
 */
export async function planFileEdit(
  file: string,
  set: PlannedEdit['set'],
  shown = file,
): Promise<Found<EnvEdit>> {
  try {
    const found = await find(file);
    await access(dirname(found.path), constants.W_OK);
    const ownUid = process.getuid?.() ?? found.owner.uid;
    if (found.bytes !== null && ownUid !== 0 && ownUid !== found.owner.uid)
      return refused(toForeign(shown));
    const next = setNumbers(found.bytes?.toString('utf8') ?? '', set);
    if (next === undefined) return refused(whyNot(found.bytes, Object.keys(set), shown));
    const oldSha256 = found.bytes === null ? null : hash(found.bytes);
    const copyPath = `${found.path}.dbconn-kept-${oldSha256?.slice(0, 8) ?? 'none'}`;
    return {
      ok: true,
      value: { path: found.path, copyPath, oldSha256, newSha256: hash(next) },
    };
  } catch (error) {
    return refused(toEnvProblem(error, shown));
  }
}

/** The old bytes, beside the file and with its owner and mode. The same copy left by a crash is taken as it is. */
async function keepCopy(edit: EnvEdit): Promise<void> {
  const { bytes, owner } = await withFileProblem(edit, () => find(edit.path));
  if (bytes === null && edit.oldSha256 === null) return;
  if (bytes === null || hash(bytes) !== edit.oldSha256) throw edited(edit);
  await withFileProblem(edit, () => replaceFile(edit.copyPath, bytes, owner));
}

async function writeEdit(edit: EnvEdit, set: PlannedEdit['set']): Promise<void> {
  const { bytes, owner } = await withFileProblem(edit, () => find(edit.path));
  if ((bytes === null ? null : hash(bytes)) !== edit.oldSha256) throw edited(edit);
  const next = setNumbers(bytes?.toString('utf8') ?? '', set);
  if (next === undefined || hash(next) !== edit.newSha256) throw edited(edit);
  await withFileProblem(edit, () => replaceFile(edit.path, next, owner));
}

async function readEdit(edit: EnvEdit): Promise<'old' | 'new' | 'other'> {
  const { bytes } = await withFileProblem(edit, () => find(edit.path));
  const now = bytes === null ? null : hash(bytes);
  if (now === edit.newSha256) return 'new';
  return now === edit.oldSha256 ? 'old' : 'other';
}

async function putBack(edit: EnvEdit): Promise<'old' | 'other'> {
  const state = await readEdit(edit);
  if (state !== 'new' || edit.oldSha256 === edit.newSha256)
    return state === 'other' ? state : 'old';
  if (edit.oldSha256 === null) {
    await withFileProblem(edit, () => unlink(edit.path));
    return 'old';
  }
  const copy = await withFileProblem(edit, () => find(edit.copyPath));
  if (copy.bytes === null || hash(copy.bytes) !== edit.oldSha256) {
    throw new PrivilegedUnavailable(
      `The kept copy ${edit.copyPath} is gone or was changed; put the old numbers into ${edit.path} by hand.`,
    );
  }
  const { bytes, owner } = copy;
  await withFileProblem(edit, () => replaceFile(edit.path, bytes, owner));
  return 'old';
}

/** Nothing to remove is as good. */
async function removeCopy(edit: EnvEdit): Promise<void> {
  if (edit.oldSha256 === null) return;
  await withFileProblem(edit, () => unlink(edit.copyPath).catch(unlessMissing));
}

function setNumbers(text: string, set: PlannedEdit['set']): string | undefined {
  // Bytes that are no UTF-8 would not survive being read as text.
  if (text.includes('�')) return undefined;
  return setVariables(text, set);
}

/** Follows a link to its file: replacing the link itself would leave the file behind it as it was. */
async function find(file: string): Promise<FoundFile> {
  const path = await realpath(file).catch(unlessMissing);
  if (path === undefined) {
    const directory = await realpath(dirname(file));
    const { uid, gid } = await stat(directory);
    return {
      path: join(directory, basename(file)),
      bytes: null,
      owner: { uid, gid, mode: privateMode },
    };
  }
  const status = await stat(path);
  const { uid, gid, mode, size } = status;
  if (!status.isFile() || size > maxBytes) throw Object.assign(new Error(path), { code: 'EFBIG' });
  return { path, bytes: await readFile(path), owner: { uid, gid, mode: mode & permissionBits } };
}

async function withFileProblem<T>({ path }: EnvEdit, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const { summary, fix } = toEnvProblem(error, path);
    throw new PrivilegedUnavailable([summary, fix ?? ''].join(' ').trim(), { cause: error });
  }
}

function edited({ path }: EnvEdit): PrivilegedUnavailable {
  return new PrivilegedUnavailable(`${path} was edited since the plan was made. Propose it again.`);
}

function whyNot(bytes: Buffer | null, names: readonly string[], file: string): Problem {
  return bytes === null ? toUnreadable(file) : nameEnvProblem({ file, bytes }, names);
}

function refused(problem: Problem): Found<EnvEdit> {
  return { ok: false, problem };
}

function hash(content: Buffer | string): string {
  return createHash('sha256').update(content).digest('hex');
}
