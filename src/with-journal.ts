import { existsSync } from 'node:fs';
import { systemClock } from './clock.ts';
import type { Config } from './config.ts';
import type { StoredJournal } from './journal/stored-journal.ts';
import { isShared, openJournal } from './open-journal.ts';
import { exitCodes } from './terminal/exit-codes.ts';

/** What a word of the terminal came to. */
export interface Said {
  readonly text: string;
  readonly code: number;
}

/** Reads a journal that is there already, and closes it. Throws JournalUnavailable where it cannot be read at all. */
export async function withJournal(
  config: Config,
  warn: (sentence: string) => void,
  work: (journal: StoredJournal) => Promise<Said>,
): Promise<Said> {
  if (!isShared(config) && !existsSync(config.journal)) {
    return refused(`There is no journal at ${config.journal}.`);
  }
  const journal = await openJournal(config, systemClock, warn);
  try {
    return await work(journal);
  } finally {
    await journal.close();
  }
}

export function refused(text: string): Said {
  return { text, code: exitCodes.unknown };
}
