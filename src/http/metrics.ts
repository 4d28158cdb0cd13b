import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';
import type { Meter } from '../runbook/escalation/ports.ts';

/**
 * Keeps a label's values to so many: every new one is a series that Prometheus stores for weeks. What comes after
 * the last is counted as `other`.
 */
function boundLabel(most: number, known: readonly string[] = []): (value: string) => string {
  const kept = new Set(known);
  return (value) => {
    if (kept.has(value)) return value;
    if (kept.size >= most) return 'other';
    kept.add(value);
    return value;
  };
}

/** What dbconn counts of itself, and gives to Prometheus. `docs/metrics.md` says what each of them means. */
export interface Metrics extends Meter {
  /** The configuration was read again: taken, or refused. */
  configRead(isTaken: boolean): void;
  /** It is checked no more: what its last check left would be taken for one that is late. */
  forgetTarget(target: string): void;
  readonly contentType: string;
  expose(): Promise<string>;
}

/** As many as a configuration may name. */
const mostTargets = 500;
const checkSeconds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 4, 8];
/** An alert on a counter needs its zero: the first increase of a series that appears with 1 is not noticed. */
const webhookStatuses = [202, 400, 401, 404, 408, 413, 415, 503];
const alertOutcomes = ['opened', 'joined', 'known', 'ignored', 'unplaced', 'refused', 'truncated'];
const post = 'chat.postMessage';
const escalationSteps = ['due', 'sent', 'failed', 'overdue'] as const;

export function createMeter(): Metrics {
  const register = new Registry();
  // Measured ten times a second: a hundred times would cost a process that mostly waits more than the figure is worth.
  collectDefaultMetrics({ register, eventLoopMonitoringPrecision: 100 });
  return {
    ...createCheckMeter(register),
    ...createAlertMeter(register),
    ...createOutcomeMeter(register),
    ...createConfigMeter(register),
    contentType: register.contentType,
    expose: () => register.metrics(),
  };
}

function createCheckMeter(register: Registry): Pick<Metrics, 'check' | 'forgetTarget'> {
  const registers = [register];
  const seconds = new Histogram({
    name: 'dbconn_check_duration_seconds',
    help: 'How long checks took, all targets together.',
    buckets: checkSeconds,
    registers,
  });
  const checks = new Counter({
    name: 'dbconn_checks_total',
    help: 'Checks by what they said of the target and how PostgreSQL was reached.',
    labelNames: ['target', 'state', 'via'],
    registers,
  });
  const last = new Gauge({
    name: 'dbconn_last_check_timestamp_seconds',
    help: 'When the latest check of a target by this process ended.',
    labelNames: ['target'],
    registers,
  });
  const reach = new Gauge({
    name: 'dbconn_reach',
    help: 'How the latest check reached PostgreSQL: 1 for that rung, none where it did not.',
    labelNames: ['target', 'via'],
    registers,
  });
  const boundTarget = boundLabel(mostTargets);
  const rungs = new Map<string, string>();
  return {
    check({ reach: { via }, state, target: name, tookMs }) {
      const target = boundTarget(name);
      const before = rungs.get(target);
      if (before !== undefined && before !== via) reach.remove({ target, via: before });
      rungs.set(target, via);
      reach.set({ target, via }, 1);
      seconds.observe(tookMs / 1000);
      checks.inc({ target, state, via });
      last.setToCurrentTime({ target });
    },
    forgetTarget(target) {
      const via = rungs.get(target);
      if (via === undefined) return;
      rungs.delete(target);
      reach.remove({ target, via });
      last.remove({ target });
    },
  };
}

function createConfigMeter(register: Registry): Pick<Metrics, 'configRead'> {
  const taken = new Gauge({
    name: 'dbconn_config_last_reload_successful',
    help: 'Whether the configuration was taken when it was read last: 0 while a changed one is refused.',
    registers: [register],
  });
  taken.set(1);
  return { configRead: (isTaken) => taken.set(isTaken ? 1 : 0) };
}

function createAlertMeter(register: Registry): Pick<Meter, 'webhook' | 'alert' | 'incidents'> {
  const registers = [register];
  const webhooks = new Counter({
    name: 'dbconn_webhooks_total',
    help: 'Webhooks by the HTTP status they were answered with.',
    labelNames: ['status'],
    registers,
  });
  const alerts = new Counter({
    name: 'dbconn_alerts_total',
    help: 'Alerts by what became of them.',
    labelNames: ['outcome'],
    registers,
  });
  const open = new Gauge({
    name: 'dbconn_incidents_open',
    help: 'Incidents that are open.',
    registers,
  });
  const leading = new Gauge({
    name: 'dbconn_leader',
    help: 'Whether this process leads: 1 for exactly one of those that share a journal.',
    registers,
  });
  for (const status of webhookStatuses) webhooks.inc({ status: String(status) }, 0);
  for (const outcome of alertOutcomes) alerts.inc({ outcome }, 0);
  const boundAlertOutcome = boundLabel(20, alertOutcomes);
  return {
    webhook: (status) => webhooks.inc({ status: String(status) }),
    alert: (outcome) => alerts.inc({ outcome: boundAlertOutcome(outcome) }),
    incidents(count, leads) {
      open.set(count);
      leading.set(leads ? 1 : 0);
    },
  };
}

function createOutcomeMeter(
  register: Registry,
): Pick<Meter, 'slackCall' | 'escalation' | 'request'> {
  const registers = [register];
  const slackCalls = new Counter({
    name: 'dbconn_slack_calls_total',
    help: "Calls to Slack's Web API: ok, limited (429), refused by Slack or failed on the way.",
    labelNames: ['method', 'outcome'],
    registers,
  });
  const escalations = new Counter({
    name: 'dbconn_escalations_total',
    help: 'Steps of escalation policies: due, sent, failed, and overdue ones that were found not taken.',
    labelNames: ['what'],
    registers,
  });
  const requests = new Counter({
    name: 'dbconn_requests_total',
    help: 'Requests for a remedy that came to their end, by option and outcome.',
    labelNames: ['option', 'outcome'],
    registers,
  });
  for (const what of escalationSteps) escalations.inc({ what }, 0);
  const [boundMethod, boundOption, boundOutcome] = [boundLabel(60), boundLabel(20), boundLabel(40)];
  for (const outcome of ['ok', 'refused'])
    slackCalls.inc({ method: boundMethod(post), outcome }, 0);
  return {
    slackCall: ({ method, outcome }) => slackCalls.inc({ method: boundMethod(method), outcome }),
    escalation: (what) => escalations.inc({ what }),
    request: (option, outcome) =>
      requests.inc({ option: boundOption(option), outcome: boundOutcome(outcome) }),
  };
}
