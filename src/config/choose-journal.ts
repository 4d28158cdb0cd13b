import { ConfigError } from './config-error.ts';
import { isPostgresUrl, readPostgresUrl } from './postgres-url.ts';

interface ChosenJournal {
  readonly journal: string;
  /** The setting that named it, as an operator knows it. */
  readonly journalSetting: string;
}

/**
 * The environment wins, as the image sets DBCONN_JOURNAL to a file in its volume and can write nowhere else. Throws a
 * ConfigError for an address that cannot be used, and where the environment would part replicas that the file means to
 * share one journal: each would act on its own.
 */
export function chooseJournal(
  inFile: string | undefined,
  inEnvironment: string | undefined,
  file: string,
): ChosenJournal {
  if (inEnvironment !== undefined && inEnvironment !== '') {
    if (inFile !== undefined && inFile !== inEnvironment && isPostgresUrl(inFile)) {
      const where = `${file} names a shared journal, but DBCONN_JOURNAL wins (in the image it is set)`;
      throw new ConfigError([`${where}. Set DBCONN_JOURNAL to that address instead.`]);
    }
    return toChosen(inEnvironment, 'DBCONN_JOURNAL');
  }
  if (inFile !== undefined) return toChosen(inFile, `journal in ${file}`);
  return { journal: 'dbconn.sqlite', journalSetting: 'the default of DBCONN_JOURNAL' };
}

function toChosen(named: string, journalSetting: string): ChosenJournal {
  if (!isPostgresUrl(named)) return { journal: named, journalSetting };
  const read = readPostgresUrl(named);
  if (!read.ok) throw new ConfigError([`${journalSetting} ${read.why}.`]);
  return { journal: read.url, journalSetting };
}
