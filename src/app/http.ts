import type { Logger } from 'pino';
import type { Config } from '../config/config.ts';
import { createHealth } from '../http/health.ts';
import type { HealthCheck } from '../http/health.ts';
import type { Metrics } from '../http/metrics.ts';
import { createHttpServer } from '../http/server.ts';
import type { HttpServer } from '../http/server.ts';
import { Webhook } from '../http/webhook.ts';
import type { Incidents } from '../runbook/incidents/incidents.ts';
import type { SlackApp } from '../slack/app.ts';
import type { Refusals } from '../slack/live/refusals.ts';
import type { Clock } from '../timing.ts';
import type { ConfigState } from './deps.ts';
import type { IncidentSystem } from './incident-system.ts';

interface HttpParts {
  readonly config: Pick<Config, 'alerts' | 'http'>;
  readonly clock: Clock;
  readonly log: Logger;
  readonly meter: Metrics;
  readonly incidents: Incidents;
  readonly incidentSystem: Pick<IncidentSystem, 'checks'>;
  readonly app: Pick<SlackApp, 'state'>;
  readonly refusals: Pick<Refusals, 'problem'>;
  readonly configState: Pick<ConfigState, 'refused'>;
}

/** Where alerts come in and dbconn itself can be watched; undefined where no port is configured. */
export function openHttp(parts: HttpParts): HttpServer | undefined {
  const { config, clock, log, meter, incidents } = parts;
  if (config.http === undefined) return undefined;
  return createHttpServer({
    ...config.http,
    webhook: new Webhook({ secrets: config.alerts, incidents, meter, clock, log }),
    health: createHealth(
      [toCheck(parts.app), refused(parts), configured(parts), ...parts.incidentSystem.checks],
      clock,
    ),
    meter,
    log,
  });
}

/** Whether Slack hears dbconn. */
function toCheck(app: HttpParts['app']): HealthCheck {
  return {
    name: 'Slack connection',
    weight: 'ready',
    read() {
      const { ready, problem } = app.state;
      return ready ? null : `Slack does not reach dbconn. ${problem ?? ''}`.trim();
    },
  };
}

/** Whether Slack takes what dbconn says. Commands and alerts still arrive, so it stays ready. */
function refused({ refusals }: HttpParts): HealthCheck {
  return { name: 'Slack messages', weight: 'told', read: () => refusals.problem() };
}

function configured({ configState }: HttpParts): HealthCheck {
  return { name: 'configuration', weight: 'told', read: () => configState.refused };
}
