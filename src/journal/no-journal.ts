import { JournalUnavailable } from '../runbook/approval/journal-unavailable.ts';
import type { Journal } from '../runbook/snapshot/ports.ts';

/** For what records nothing, such as a dry run: every attempt to write or read is refused. */
export const noJournal: Journal = {
  create: refuse,
  read: refuse,
  list: refuse,
  move: refuse,
  record: refuse,
  acquire: refuse,
  renew: refuse,
  release: refuse,
  readRunsSince: refuse,
  readSteps: refuse,
  readAgeMs: refuse,
  readStop: refuse,
  writeStop: refuse,
  findUntrue: refuse,
};

function refuse(): Promise<never> {
  return Promise.reject(new JournalUnavailable('Nothing is recorded in a dry run.'));
}
