import { randomBytes } from 'node:crypto';
import { SlackRefusal } from './slack-refusal.ts';

const LIFE_MS = 30 * 60 * 1000;
const MAX_USES = 5;
/** An expired URL is remembered this long, to say `expired_url` rather than nothing. */
const MEMORY_MS = 2 * 60 * 60 * 1000;

/** What a response_url was given out for. */
export interface ResponseGrant {
  readonly user: string;
  readonly channel: string;
  /** The command as typed; shown once when an answer goes to the whole channel. */
  readonly command?: string;
  /** The message whose button was pressed. */
  readonly origin?: { readonly ts: string; readonly isEphemeral: boolean };
  readonly threadTs?: string;
  isCommandShown?: boolean;
}

export interface ResponseUrls {
  /** The path of a fresh URL. */
  issue(kind: 'commands' | 'actions', grant: ResponseGrant): string;
  /**
   * Uses the URL once.
   * @throws SlackRefusal with status 404: `expired_url` after 30 minutes, `used_url` after five uses.
   */
  use(path: string): ResponseGrant;
}

export function createResponseUrls(now: () => number): ResponseUrls {
  const issued = new Map<string, { grant: ResponseGrant; atMs: number; uses: number }>();
  return {
    issue(kind, grant) {
      for (const [old, { atMs }] of issued) if (now() - atMs > MEMORY_MS) issued.delete(old);
      const path = `/${kind}/T0SANDBOX/${randomBytes(12).toString('hex')}`;
      issued.set(path, { grant, atMs: now(), uses: 0 });
      return path;
    },
    use(path) {
      const entry = issued.get(path);
      if (entry === undefined || now() - entry.atMs > LIFE_MS) {
        throw new SlackRefusal('expired_url', { status: 404 });
      }
      if (entry.uses >= MAX_USES) throw new SlackRefusal('used_url', { status: 404 });
      entry.uses += 1;
      return entry.grant;
    },
  };
}
