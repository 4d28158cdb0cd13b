/** What Alertmanager says of an alert. */
export type AlertStatus = 'firing' | 'resolved';

interface SentAlert {
  /** Of the bot's own server. */
  readonly port: number;
  readonly bearer: string;
  readonly target: string;
  readonly status: AlertStatus;
  readonly startsAt: string;
}

/** Sends the runbook's first alert as Alertmanager does: webhook version 4. Throws unless the bot took it. */
export async function sendAlert({
  port,
  bearer,
  target,
  status,
  startsAt,
}: SentAlert): Promise<void> {
  const name = 'DatabaseConnectionPoolExhausted';
  const labels = { alertname: name, severity: 'critical', service: target };
  const endsAt = status === 'firing' ? '0001-01-01T00:00:00Z' : new Date().toISOString();
  const alert = {
    status,
    labels,
    annotations: {},
    startsAt,
    endsAt,
    fingerprint: 'd0c0ffee00000001',
  };
  const response = await fetch(`http://127.0.0.1:${port}/webhooks/alertmanager`, {
    method: 'POST',
    headers: { authorization: `Bearer ${bearer}`, 'content-type': 'application/json' },
    body: JSON.stringify({
      version: '4',
      groupKey: `{}:{alertname="${name}"}`,
      truncatedAlerts: 0,
      status,
      receiver: 'dbconn',
      groupLabels: { alertname: name },
      commonLabels: labels,
      commonAnnotations: {},
      externalURL: 'http://127.0.0.1',
      alerts: [{ ...alert, generatorURL: 'http://127.0.0.1' }],
    }),
  });
  if (response.status !== 202) throw new Error(`The alert was answered with ${response.status}.`);
}
