import { webhookToken } from '../../support/harness.ts';

/** One alert as Alertmanager's webhook has it. */
export interface SentAlert {
  readonly status: 'firing' | 'resolved';
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly startsAt: string;
  readonly endsAt: string;
  readonly fingerprint: string;
}

/** One about the target `orders`. */
export function anAlert(
  fingerprint: string,
  name: string,
  { startsAtMs, endsAtMs }: { readonly startsAtMs: number; readonly endsAtMs?: number },
): SentAlert {
  return {
    status: endsAtMs === undefined ? 'firing' : 'resolved',
    labels: { alertname: name, severity: 'critical', service: 'orders' },
    annotations: {},
    startsAt: new Date(startsAtMs).toISOString(),
    // Go's zero time: it has not ended.
    endsAt: endsAtMs === undefined ? '0001-01-01T00:00:00Z' : new Date(endsAtMs).toISOString(),
    fingerprint,
  };
}

/** A group of alerts in Alertmanager's webhook, version 4. */
export function toWebhook(alerts: readonly SentAlert[]): string {
  return JSON.stringify({
    version: '4',
    groupKey: '{}:{}',
    truncatedAlerts: 0,
    status: alerts.some(({ status }) => status === 'firing') ? 'firing' : 'resolved',
    receiver: 'dbconn',
    groupLabels: {},
    commonLabels: {},
    commonAnnotations: {},
    externalURL: 'http://127.0.0.1',
    alerts,
  });
}

/** Sends a webhook and returns the status it is answered with. */
export async function sendWebhook(
  port: number | undefined,
  body: string,
  bearer: string = webhookToken,
): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${port}/webhooks/alertmanager`, {
    method: 'POST',
    headers: { authorization: `Bearer ${bearer}`, 'content-type': 'application/json' },
    body,
  });
  await response.arrayBuffer();
  return response.status;
}
