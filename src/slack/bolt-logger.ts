import { LogLevel } from '@slack/bolt';
import type { Logger as BoltLogger } from '@slack/bolt';
import type { Logger } from 'pino';

/**
 * pino as Bolt wants its logger. Bolt's debug lines hold whole request bodies, so they go nowhere:
 * what people typed and what others' SQL says has no place in a log.
 */
export function toBoltLogger(log: Logger): BoltLogger {
  const write =
    (level: 'info' | 'warn' | 'error') =>
    (...parts: unknown[]): void => {
      const err = parts.find((part) => part instanceof Error);
      const words = parts.filter((part) => part !== err).map(toWords);
      log[level](err === undefined ? {} : { err }, words.join(' '));
    };
  return {
    debug: () => {},
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    setLevel: () => {},
    getLevel: () => LogLevel.INFO,
    setName: () => {},
  };
}

function toWords(part: unknown): string {
  return typeof part === 'string' ? part : (JSON.stringify(part) ?? String(part));
}
