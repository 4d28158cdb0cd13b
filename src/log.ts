import { pino } from 'pino';
import type { DestinationStream, Logger } from 'pino';

/** Fields that are secrets wherever they appear, at the top or up to two levels down. */
const secretFields = [
  'token',
  'botToken',
  'appToken',
  'signingSecret',
  'password',
  'connectionString',
  'authorization',
  'Authorization',
  'response_url',
  'trigger_id',
];

/** Secrets by their looks, for those that sit inside a message, a stack or a library's error. */
const secretShapes: readonly (readonly [RegExp, string])[] = [
  [/\bxox[a-z](?:\.xox[a-z])?-[\w-]+/g, '[token]'],
  [/\bxapp-[\w-]+/g, '[token]'],
  [/(postgres(?:ql)?(?:\+\w+)?:\/\/[^:@/\s"\\]*):[^\s"\\]*@/g, '$1:[password]@'],
  [/\bpassword=(?:'[^'"\\]*'|[^\s"&\\]+)/gi, 'password=[password]'],
  [/https:\/\/hooks\.slack\.com\/[^\s"\\]+/g, '[response url]'],
];

/**
 * The log of the process: JSON lines on standard output, or on `destination`.
 * Secrets are removed by field name, and once more by shape from the finished line: an error of a
 * library carries tokens and addresses in places nobody listed.
 */
export function createLog(level: string, destination?: DestinationStream): Logger {
  const options = {
    level,
    redact: {
      paths: secretFields.flatMap((field) => [field, `*.${field}`, `*.*.${field}`]),
      censor: '[secret]',
    },
    serializers: { err: toLoggedError },
    hooks: { streamWrite: blankSecrets },
  };
  return destination === undefined ? pino(options) : pino(options, destination);
}

/** Blanks everything in a text that looks like a token or a password. */
function blankSecrets(text: string): string {
  return secretShapes.reduce((rest, [shape, blank]) => rest.replaceAll(shape, blank), text);
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
