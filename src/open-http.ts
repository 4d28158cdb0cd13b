import type { Logger } from 'pino';
import { createHealth } from './alertmanager/health.ts';
import type { HealthCheck } from './alertmanager/health.ts';
import type { Metrics } from './alertmanager/metrics.ts';
import { createHttpServer } from './alertmanager/server.ts';
import type { HttpServer } from './alertmanager/server.ts';
import { createWebhook } from './alertmanager/webhook.ts';
import type { Config } from './config.ts';
import type { Ward } from './open-ward.ts';
import type { Incidents } from './runbook/incident/incidents.ts';
import type { Clock } from './runbook/ports.ts';
import type { SlackApp } from './slack/app.ts';

export interface HttpParts {
  readonly config: Pick<Config, 'alerts' | 'http'>;
  readonly clock: Clock;
  readonly log: Logger;
  readonly meter: Metrics;
  readonly incidents: Incidents;
  readonly ward: Pick<Ward, 'checks'>;
  readonly app: Pick<SlackApp, 'state'>;
}

/** Where alerts come in and dbconn itself can be watched; undefined where no port is configured. */
export function openHttp(parts: HttpParts): HttpServer | undefined {
  const { config, clock, log, meter, incidents } = parts;
  if (config.http === undefined) return undefined;
  return createHttpServer({
    ...config.http,
    webhook: createWebhook({ secrets: config.alerts, incidents, meter, clock, log }),
    health: createHealth([toCheck(parts.app), ...parts.ward.checks], clock),
    meter,
    log,
  });
}

/** Whether Slack hears dbconn. */
function toCheck(app: HttpParts['app']): HealthCheck {
  return {
    name: 'Slack connection',
    weight: 'ready',
    read: () => (app.state.ready ? null : 'Slack does not reach dbconn.'),
  };
}
