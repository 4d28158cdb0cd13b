import type { Delivery } from './delivery.ts';
import type { Said } from './options.ts';
import type { Interferences } from './interference.ts';
import type { RateLimits } from './rate-limits.ts';
import type { ResponseUrls } from './response-urls.ts';
import type { Triggers } from './triggers.ts';
import type { Workspace } from './workspace.ts';

/** Everything the web API and the acting people share. Built once, in server.ts. */
export interface Sandbox {
  readonly workspace: Workspace;
  readonly triggers: Triggers;
  readonly responseUrls: ResponseUrls;
  readonly rateLimits: RateLimits;
  readonly interferences: Interferences;
  readonly delivery: Delivery;
  readonly tokens: { readonly bot: string; readonly app: string };
  /** `http://HOST:PORT`, without a slash at the end. */
  readonly baseUrl: () => string;
  readonly onSaid: (said: Said) => void;
  /** A single-use address for one Socket Mode connection. */
  readonly issueSocketUrl: () => string;
}
