import { createHmac } from 'node:crypto';
import type { Pager } from '../runbook/escalation/pager.ts';
import { deliver } from '../pagers/deliver.ts';
import type { Wire } from '../pagers/deliver.ts';

interface WebhookPagerOptions extends Wire {
  readonly url: string;
  /** Shared with the receiver, who proves by it that a call is dbconn's. */
  readonly secret: string;
}

const fix = 'Check pager.webhook in dbconn.yml, and what its receiver logs.';

/** Anything that takes JSON over HTTP, signed. `docs/pager-webhook.md` is for whoever receives it. */
export function createWebhookPager({ url, secret, ...wire }: WebhookPagerOptions): Pager {
  const name = `the webhook at ${new URL(url).host}`;
  const post = (content: Record<string, unknown>): Promise<void> => {
    const body = JSON.stringify({ version: 1, ...content });
    const headers = (): Record<string, string> => ({
      'x-dbconn-signature': sign(body, secret, Math.floor(wire.clock.now() / 1000)),
    });
    return deliver(wire, { name, url, body, headers, secret, fix });
  };
  return {
    name,
    page: (page) => post({ kind: 'page', ...page }),
    tellChange: (change) => post({ kind: 'change', ...change }),
  };
}

/** The time is signed along with the body, so that an old call cannot be played again. */
function sign(body: string, secret: string, atSeconds: number): string {
  const hex = createHmac('sha256', secret).update(`${atSeconds}.${body}`).digest('hex');
  return `t=${atSeconds},v1=${hex}`;
}
