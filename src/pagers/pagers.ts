import { createHmac } from 'node:crypto';
import type { Logger } from 'pino';
import { PagerRefused } from '../runbook/escalation/ports.ts';
import type { Pager } from '../runbook/escalation/ports.ts';
import { answers, deliver } from './deliver.ts';
import type { Wire } from './deliver.ts';
import { createPagerDuty } from './pagerduty.ts';

/** Several pagers as one. All are told at the same time; it counts as taken when one of them took it. */
export function createPagers(pagers: readonly Pager[], log: Pick<Logger, 'error'>): Pager {
  const tell = async (call: (pager: Pager) => Promise<void>): Promise<void> => {
    const told = await Promise.allSettled(pagers.map(call));
    const refused = told.flatMap((one): unknown[] =>
      one.status === 'rejected' ? [one.reason] : [],
    );
    if (refused.length === pagers.length) throw together(refused);
    for (const err of refused) log.error({ err }, 'One of several pagers did not accept a request');
  };
  return {
    name: pagers.map(({ name }) => name).join(' and '),
    page: (page) => tell((pager) => pager.page(page)),
    tellChange: (change) => tell((pager) => pager.tellChange(change)),
    findSilent: async () => {
      const silent = await Promise.all(pagers.map(async (pager) => pager.findSilent?.() ?? []));
      return silent.flat();
    },
  };
}

function together(errors: readonly unknown[]): unknown {
  const refusals = errors.filter((error) => error instanceof PagerRefused);
  // Anything else is a fault of ours, and must not be taken for a refusal.
  if (refusals.length < errors.length) return new AggregateError(errors, 'A pager broke.');
  const message = refusals.map(({ message }) => message).join(' ');
  return new PagerRefused(
    message,
    refusals.some(({ mayPass }) => mayPass),
  );
}

interface WebhookPagerOptions extends Wire {
  readonly url: string;
  /** Shared with the receiver, who proves by it that a call is dbconn's. */
  readonly secret: string;
}

const fix = 'Check pager.webhook in dbconn.yml, and what its receiver logs.';

/** Anything that takes JSON over HTTP, signed. `docs/pager-webhook.md` is for whoever receives it. */
function createWebhookPager({ url, secret, ...wire }: WebhookPagerOptions): Pager {
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
    findSilent: async () => ((await answers(wire, url)) ? [] : [name]),
  };
}

/** The time is signed along with the body, so that an old call cannot be played again. */
function sign(body: string, secret: string, atSeconds: number): string {
  const hex = createHmac('sha256', secret).update(`${atSeconds}.${body}`).digest('hex');
  return `t=${atSeconds},v1=${hex}`;
}

/** `pager` of dbconn.yml. */
interface PagerSettings {
  readonly pagerduty?: { readonly routingKey: string; readonly url: string };
  readonly webhook?: { readonly url: string; readonly secret: string };
}

interface PagerWire extends Wire {
  readonly log: Pick<Logger, 'warn' | 'error'>;
}

/** What wakes people for a target; undefined where nothing is configured. */
export function openPager(
  { pagerduty, webhook }: PagerSettings,
  wire: PagerWire,
): Pager | undefined {
  const pagers = [
    ...(pagerduty === undefined ? [] : [createPagerDuty({ ...wire, ...pagerduty })]),
    ...(webhook === undefined ? [] : [createWebhookPager({ ...wire, ...webhook })]),
  ];
  return pagers.length > 1 ? createPagers(pagers, wire.log) : pagers[0];
}
