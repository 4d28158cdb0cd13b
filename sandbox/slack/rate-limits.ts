import { SlackRefusal } from './slack-refusal.ts';

/**
 * How often a method may be called: Slack's tiers, `posting` for chat.postMessage (several hundred
 * a minute for a workspace) and `special` for methods Slack lets through by the hundreds.
 */
export type Tier = 'tier1' | 'tier2' | 'tier3' | 'tier4' | 'posting' | 'special';

interface Bucket {
  readonly perMinute: number;
  readonly burst: number;
}

const TIERS: Readonly<Record<Tier, Bucket>> = {
  // An app may hold ten Socket Mode connections, and opens them with a tier 1 method.
  tier1: { perMinute: 1, burst: 10 },
  tier2: { perMinute: 20, burst: 20 },
  tier3: { perMinute: 50, burst: 50 },
  tier4: { perMinute: 100, burst: 100 },
  posting: { perMinute: 300, burst: 300 },
  special: { perMinute: 600, burst: 600 },
};
/** One message a second into a channel, with a short burst above it. */
const CHANNEL: Bucket = { perMinute: 60, burst: 3 };

export interface RateLimits {
  /** @throws SlackRefusal `ratelimited` with the seconds to wait. */
  spendCall(method: string, tier: Tier): void;
  /** @throws SlackRefusal `ratelimited` with the seconds to wait. */
  spendPost(channel: string): void;
}

/** Token buckets per method and per channel; `now` in Unix milliseconds. */
export function createRateLimits(now: () => number): RateLimits {
  const levels = new Map<string, { tokens: number; atMs: number }>();

  function spend(key: string, { perMinute, burst }: Bucket): void {
    const atMs = now();
    const last = levels.get(key) ?? { tokens: burst, atMs };
    const refilled = Math.max(0, atMs - last.atMs) * (perMinute / 60_000);
    const tokens = Math.min(burst, last.tokens + refilled);
    if (tokens < 1) {
      levels.set(key, { tokens, atMs });
      const retryAfterSeconds = Math.max(1, Math.ceil((1 - tokens) * (60 / perMinute)));
      throw new SlackRefusal('ratelimited', { retryAfterSeconds });
    }
    levels.set(key, { tokens: tokens - 1, atMs });
  }

  return {
    spendCall(method, tier) {
      spend(`method ${method}`, TIERS[tier]);
    },
    spendPost(channel) {
      spend(`channel ${channel}`, CHANNEL);
    },
  };
}

/** For tests that are not about limits. */
export const noRateLimits: RateLimits = {
  spendCall() {},
  spendPost() {},
};
