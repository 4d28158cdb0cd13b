import { DatabaseError } from 'pg';
import { JournalUnavailable } from '../../runbook/approvals/journal.ts';

/** SQLSTATEs, by their longest known beginning, that an operator can do something about. */
const sentences = new Map([
  [
    '25006',
    'The journal’s server does not take writes: it is a standby. Name the primary as journal.',
  ],
  ['28', 'The journal’s server refuses dbconn’s role. Check user and password of its address.'],
  ['3D000', 'The journal’s database does not exist. Create it, or name another one as journal.'],
  [
    '42501',
    'dbconn’s role may not write the journal. Let it own the schema dbconn, or grant CREATE on the database.',
  ],
  ['53100', 'The disk under the journal is full. Make room.'],
  [
    '53300',
    'The journal’s server has no connection left. Keep the journal on a server that does not run full.',
  ],
  ['55P03', 'The journal is locked by another process for too long. End whatever holds it.'],
  ['57014', 'The journal’s server answers too slowly. See its log.'],
  ['57P', 'The journal’s server is starting or stopping. Wait, or start it.'],
  ['XX001', 'The journal is damaged. Keep a copy, and run: dbconn journal verify.'],
]);

const unreachable =
  'The journal’s server cannot be reached. Check that it runs, and host and port of its address.';

/** The one place where errors of the journal's server become words. No address and no password is part of them. */
export function toJournalError(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof JournalUnavailable) return error;
  if (!(error instanceof DatabaseError)) {
    return isOfConnection(error) ? new JournalUnavailable(unreachable, { cause: error }) : error;
  }
  return toJournalUnavailable(error.code, error);
}

/** What a SQLSTATE comes to; also for what was found out without running into it. */
export function toJournalUnavailable(code = '', cause?: Error): JournalUnavailable {
  const known = [5, 3, 2].map((length) => sentences.get(code.slice(0, length)));
  const sentence = known.find((found) => found !== undefined);
  const message = sentence ?? `The journal’s server refused (SQLSTATE ${code}). See its log.`;
  return new JournalUnavailable(message, { cause });
}

/** pg names no class for these; the messages are its own, the codes Node's. */
function isOfConnection(error: Error): boolean {
  if ('code' in error && typeof error.code === 'string') return true;
  return /connection|timeout|not queryable|Client was closed/i.test(error.message);
}
