import { pino } from 'pino';
import type { DestinationStream, Logger } from 'pino';
import { blankSecrets, isSecretName } from './runbook/snapshot/redaction/redact-text.ts';

/** Secret by what they are to Slack or to PostgreSQL, not by their names. */
const furtherFields = new Set(['connectionString', 'response_url', 'trigger_id']);

/** Docker cuts a log line at 16 kB too; what follows is dropped, so that odd texts cannot cost odd times. */
const longestText = 16_384;

/**
 * The log of the process: JSON lines on standard output, or on `destination`.
 * Secrets are removed from the finished line, by the name of a field and by their looks: an error of a
 * library carries tokens and addresses in places nobody listed.
 */
export function createLog(level: string, destination?: DestinationStream): Logger {
  const options = {
    level,
    serializers: { err: toLoggedError },
    hooks: { streamWrite: blankLine },
  };
  return destination === undefined ? pino(options) : pino(options, destination);
}

function blankLine(line: string): string {
  return `${JSON.stringify(JSON.parse(line, blankField))}\n`;
}

function blankField(name: string, value: unknown): unknown {
  if (isSecretName(name) || furtherFields.has(name)) return '…';
  // A machine's name may be as long as a key.
  return typeof value === 'string' && name !== 'hostname' ? blankText(value) : value;
}

/** Each line of a stack by itself: some secrets are blanked to the end of their text. */
function blankText(text: string): string {
  return text
    .slice(0, longestText)
    .split(/^(?= {4}at )/m)
    .map(blankSecrets)
    .join('');
}

interface LoggedError {
  readonly type: string;
  readonly message: string;
  readonly code?: string;
  readonly stack?: string;
  readonly cause?: LoggedError;
}

/** Type, message, code, stack and causes only: errors of HTTP clients drag whole requests along. */
function toLoggedError(error: unknown, depth = 0): LoggedError {
  if (!(error instanceof Error)) return { type: typeof error, message: String(error) };
  const { cause, name, message, stack } = error;
  return {
    type: name,
    message,
    ...('code' in error && typeof error.code === 'string' && { code: error.code }),
    ...(stack !== undefined && { stack }),
    ...(cause !== undefined && depth < 3 && { cause: toLoggedError(cause, depth + 1) }),
  };
}
