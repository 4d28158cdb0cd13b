import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import type { Alert } from '../runbook/incidents/alert.ts';

/** Who may send alerts. With both, either is enough. */
export interface WebhookSecrets {
  readonly bearer?: string | undefined;
  readonly basic?: { readonly user: string; readonly password: string } | undefined;
}

export interface Guard {
  /** Whether an Authorization header is one of the configured ones. Takes as long for a wrong one as for a right one. */
  admits(authorization: string | undefined): boolean;
  /** What a client is told that it has to bring: `WWW-Authenticate`. */
  readonly challenge: string;
}

/** Null where no secret is configured: then nobody may send anything. */
export function createGuard({ bearer, basic }: WebhookSecrets): Guard | null {
  const accepted: string[] = [];
  const schemes: string[] = [];
  if (bearer !== undefined) {
    accepted.push(`bearer ${bearer}`);
    schemes.push('Bearer realm="dbconn"');
  }
  if (basic !== undefined) {
    const pair = Buffer.from(`${basic.user}:${basic.password}`, 'utf8').toString('base64');
    accepted.push(`basic ${pair}`);
    schemes.push('Basic realm="dbconn", charset="UTF-8"');
  }
  if (accepted.length === 0) return null;
  // Hashes are of one length, so that comparing them tells nothing of a secret's length either.
  const key = randomBytes(32);
  const hash = (text: string): Buffer => createHmac('sha256', key).update(text).digest();
  const hashes = accepted.map(hash);
  return {
    challenge: schemes.join(', '),
    admits(authorization) {
      const [, scheme = '', credentials = ''] = /^(\S+) +(\S+) *$/.exec(authorization ?? '') ?? [];
      const given = hash(`${scheme.toLowerCase()} ${credentials}`);
      // All of them, always: leaving at the first would tell which one was nearly right.
      return hashes.map((known) => timingSafeEqual(known, given)).includes(true);
    },
  };
}

/** More in one group is no group by target any more; what is beyond is refused rather than forgotten. */
export const mostAlerts = 1000;

const earliest = Date.parse('2000-01-01T00:00:00Z');
const latest = Date.parse('2100-01-01T00:00:00Z');
const within = { message: 'it is not between the years 2000 and 2100' };

/** An alert from another century would seem to last for ever, or never to begin. */
const isWithin = (text: string): boolean => {
  const at = Date.parse(text);
  return at >= earliest && at < latest;
};

/** Go's zero time, the year 1, means that there is none. */
const isNone = (text: string): boolean => text.startsWith('0001-01-01T');

const Start = z.iso.datetime({ offset: true }).refine(isWithin, within);
const End = z.iso
  .datetime({ offset: true })
  .refine((text) => isNone(text) || isWithin(text), within);

const Entry = z.object({
  status: z.enum(['firing', 'resolved']),
  labels: z.record(z.string(), z.string()),
  startsAt: Start,
  endsAt: End.optional(),
  /** It becomes a part of the journal, so its length has a bound. */
  fingerprint: z.string().min(1).max(64),
});

/** Alertmanager's webhook, version 4, and Grafana's in the same shape, which calls itself 1. Other keys are theirs to add. */
const Payload = z.object({
  version: z.enum(['4', '1']),
  alerts: z.array(Entry),
  /** Left out by the sender's `max_alerts`. */
  truncatedAlerts: z.number().int().min(0).default(0),
});

type ReadPayload =
  | { readonly kind: 'read'; readonly alerts: readonly Alert[]; readonly truncated: number }
  | { readonly kind: 'malformed'; readonly sentence: string }
  | { readonly kind: 'too-many' };

/**
 * The alerts of a webhook's body. `receivedAt` (UTC ISO text) is the end of one that is resolved and does not say
 * since when. Nothing in `sentence` is text out of the body.
 */
export function readPayload(text: string, receivedAt: string): ReadPayload {
  const json = parseJson(text);
  if (json === undefined) return { kind: 'malformed', sentence: 'The body is not JSON.' };
  if (countAlerts(json) > mostAlerts) return { kind: 'too-many' };
  const payload = Payload.safeParse(json);
  if (!payload.success) return { kind: 'malformed', sentence: toSentence(payload.error) };
  const { alerts, truncatedAlerts } = payload.data;
  return {
    kind: 'read',
    alerts: alerts.map((entry) => toAlert(entry, receivedAt)),
    truncated: truncatedAlerts,
  };
}

function toAlert(entry: z.infer<typeof Entry>, receivedAt: string): Alert {
  const { endsAt, fingerprint, labels, startsAt, status } = entry;
  return {
    // The alert's own status: a firing group holds resolved alerts too.
    status,
    // One without a name is not one that dbconn minds, and must not take the others of its group along.
    name: labels['alertname'] ?? '',
    fingerprint,
    startsAt: toUtc(startsAt),
    endsAt: status === 'firing' ? null : (toEnd(endsAt) ?? receivedAt),
    labels,
  };
}

function toEnd(text: string | undefined): string | null {
  if (text === undefined || isNone(text)) return null;
  return toUtc(text);
}

/** Milliseconds are enough: no alert starts twice within one. */
function toUtc(text: string): string {
  return new Date(text).toISOString();
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // JSON itself has no undefined
  }
}

/** Before the shape is checked: a thousand times a thousand labels would be checked in vain. */
function countAlerts(json: unknown): number {
  const counted = z.object({ alerts: z.array(z.unknown()) }).safeParse(json);
  return counted.success ? counted.data.alerts.length : 0;
}

function toSentence(error: z.ZodError): string {
  const [issue] = error.issues;
  if (issue === undefined) return 'The body is not a webhook of Alertmanager or Grafana.';
  // A label's key is the sender's text: the path ends before it.
  const where = issue.path.slice(0, 3).map(String).join('.');
  if (where === 'version') return 'Only version 4 (Alertmanager) and version 1 (Grafana) are read.';
  return `${where === '' ? 'The body' : where} is not as in Alertmanager's webhook: ${issue.message}.`;
}
