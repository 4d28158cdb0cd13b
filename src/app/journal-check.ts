import type { Logger } from 'pino';
import type { Config } from '../config/config.ts';
import type { HealthCheck } from '../http/health.ts';
import { JournalMoved, JournalTampered, tamperedAdvice } from '../runbook/approvals/journal.ts';
import type { Journal } from '../runbook/approvals/journal.ts';
import type { Announcements } from '../runbook/approvals/notices.ts';

interface JournalCheckDeps {
  readonly config: Pick<Config, 'channel'>;
  readonly journal: Pick<Journal, 'findUntrue'>;
  readonly announcements: Announcements;
  readonly log: Pick<Logger, 'error' | 'info'>;
}

/** Looks again and again whether the journal is where it was and as dbconn wrote it, and says where it is not. */
export interface JournalCheck {
  /** Never throws: what cannot be said now is said by the next look. */
  verify(): Promise<void>;
  /** What the last look found, in sentences. */
  problems(): readonly string[];
  readonly check: HealthCheck;
}

export function createJournalCheck(parts: JournalCheckDeps): JournalCheck {
  const { journal, log } = parts;
  let problems: readonly string[] = [];
  const told = new Set<string>();
  return {
    problems: () => problems,
    check: {
      name: 'record',
      // Nothing may change until a person has seen to it, and a restart would not help.
      weight: 'ready',
      read: () => (problems.length === 0 ? null : 'The journal was moved or changed: see the log.'),
    },
    async verify() {
      const before = problems;
      try {
        problems = await findProblems(journal);
        if (problems.length === 0) {
          if (before.length > 0) log.info('The journal is as dbconn wrote it again');
          told.clear();
        } else await tell(parts, problems, told);
      } catch (err) {
        log.error(
          { err },
          'Whether the journal is as dbconn wrote it could not be found out or said',
        );
      }
    },
  };
}

/** Why the journal cannot be read else is said by whatever has to write to it. */
async function findProblems(journal: JournalCheckDeps['journal']): Promise<readonly string[]> {
  try {
    const untrue = await journal.findUntrue();
    return untrue.map(({ target, problem }) => {
      const where = target === null ? 'any target' : target;
      return `${problem} Nothing is changed on ${where} until this is settled. ${tamperedAdvice}`;
    });
  } catch (error) {
    const isKnown = error instanceof JournalMoved || error instanceof JournalTampered;
    if (isKnown) return [`${error.message} Until then nothing is changed on any target.`];
    throw error;
  }
}

/** One message for what is new: somebody who changes a thousand rows does not fill the channel. */
async function tell(
  { config: { channel }, announcements, log }: JournalCheckDeps,
  problems: readonly string[],
  told: Set<string>,
): Promise<void> {
  const fresh = problems.filter((problem) => !told.has(problem));
  const [first] = fresh;
  if (first === undefined) return;
  log.error(
    { problems: fresh.slice(0, mostLogged), count: fresh.length },
    'The journal is not as dbconn wrote it',
  );
  if (channel !== undefined) {
    const more = fresh.length === 1 ? '' : ` And ${fresh.length - 1} more: see the log.`;
    const headline = `${first}${more}`;
    await announcements.announce({
      to: channel,
      mention: null,
      headline,
      quote: null,
      // Another process on the same journal finds the same.
      key: `journal/${headline}`.slice(0, longestKey),
      mayStand: true,
    });
  }
  for (const problem of fresh) told.add(problem);
}

const mostLogged = 20;
const longestKey = 200;
