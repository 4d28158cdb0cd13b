import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { isPostgresUrl } from '../config/addresses.ts';
import type { Config } from '../config/config.ts';
import type { ByTls } from '../journal/postgres/driver.ts';
import { openPostgresJournal } from '../journal/postgres/driver.ts';
import { findShared, mustBeWritable } from '../journal/postgres/other-server.ts';
import { openSqliteJournal } from '../journal/sqlite/driver.ts';
import type { StoredJournal } from '../journal/stored-journal.ts';
import { connectByTls } from '../postgres/connect/connect-by-tls.ts';
import { UnusableUrl } from '../postgres/failure.ts';
import { JournalUnavailable } from '../runbook/approvals/journal.ts';
import type { Check } from '../runbook/diagnose/doctor.ts';
import { within } from '../timing.ts';
import type { Clock } from '../timing.ts';
import type { Deps } from './deps.ts';

type Journaled = Pick<Config, 'journal' | 'journalSetting' | 'targets'>;
type JournalDeps = Pick<Deps, 'clock' | 'warn' | 'readsOnly'>;

/**
 * The journal that is configured: a file, or a database that several replicas share. Throws JournalUnavailable with
 * what to do about it. `warn` hears where it could not be made sure that the journal lies outside all targets.
 */
export async function openJournal(config: Journaled, deps: JournalDeps): Promise<StoredJournal> {
  const { journal } = config;
  const { readsOnly, warn } = deps;
  if (!isPostgresUrl(journal)) return openFileJournal(config, deps);
  // What is only read may be anywhere.
  if (readsOnly !== true) await refuseShared(config, warn);
  return openPostgresJournal({ url: journal, byTls, readsOnly });
}

const checkMs = 4000;

/** For doctor: whether the journal could be opened and written. Makes no file and no table. Never throws. */
export async function checkJournal(config: Journaled, clock: Clock): Promise<Check> {
  const base = { subject: 'Journal' } as const;
  const fix = `Check ${config.journalSetting}.`;
  try {
    const tried = tryJournal(config).then(() => true);
    if ((await within(tried, checkMs, clock)) === undefined) {
      const summary = `The journal did not answer within ${checkMs / 1000} s.`;
      return { ...base, state: 'missing', summary, fix };
    }
    return { ...base, state: 'ok', summary: 'The journal can be written.' };
  } catch (error) {
    if (!(error instanceof JournalUnavailable)) throw error;
    return { ...base, state: 'missing', summary: error.message, fix };
  }
}

async function tryJournal(config: Journaled): Promise<void> {
  const { journal } = config;
  if (isPostgresUrl(journal)) {
    await refuseShared(config, () => undefined);
    await mustBeWritable(journal, byTls);
    return;
  }
  const file = resolve(journal);
  // SQLite keeps files of its own beside it.
  await mustBeAllowed(dirname(file), constants.W_OK);
  await mustBeAllowed(file, constants.R_OK | constants.W_OK, 'or nothing');
}

async function mustBeAllowed(path: string, mode: number, otherwise?: 'or nothing'): Promise<void> {
  try {
    await access(path, mode);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'no code';
    if (code === 'ENOENT' && otherwise !== undefined) return;
    throw new JournalUnavailable(`${path} cannot be written (${code}).`, { cause: error });
  }
}

/** In a container or a service the working directory is nobody's guess, so the message has the whole path. */
async function openFileJournal(
  { journal, journalSetting }: Journaled,
  { clock, warn, readsOnly }: JournalDeps,
): Promise<StoredJournal> {
  try {
    return await openSqliteJournal({ file: journal, clock, warn, readsOnly });
  } catch (error) {
    if (!(error instanceof JournalUnavailable)) throw error;
    const where = `The journal is ${resolve(journal)}, from ${journalSetting}.`;
    throw new JournalUnavailable(`${error.message} ${where}`, { cause: error });
  }
}

async function refuseShared(
  { journal, targets }: Journaled,
  warn: (sentence: string) => void,
): Promise<void> {
  const servers = targets.map(({ target: { name }, database: { url } }) => ({ name, url }));
  const { shared, unsure } = await findShared(journal, servers, byTls);
  if (shared !== undefined) {
    throw new JournalUnavailable(
      `The journal lies on the server of target ${shared}. It must not: when that one is full, nothing could be recorded. Name another server as journal.`,
    );
  }
  if (unsure.length === 0) return;
  warn(
    `The system identifier of the journal's server could not be read. Only host and port show that it is not on ${unsure.join(', ')}.`,
  );
}

const byTls: ByTls = async (url, open) => {
  try {
    return await connectByTls(url, open);
  } catch (error) {
    if (!(error instanceof UnusableUrl)) throw error;
    throw new JournalUnavailable(`The address of the journal is unusable. ${error.message}`, {
      cause: error,
    });
  }
};
