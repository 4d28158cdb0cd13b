import type { IncomingMessage } from 'node:http';
import type { Logger } from 'pino';
import type { Meter } from '../runbook/escalation/ports.ts';
import { severityOf } from '../runbook/incidents/alert.ts';
import type { Alert } from '../runbook/incidents/alert.ts';
import type { Incidents } from '../runbook/incidents/incidents.ts';
import { cleanUntrusted } from '../runbook/snapshot/redaction/redact-text.ts';
import { createTellSeldom } from '../timing.ts';
import type { Clock } from '../timing.ts';
import { createGuard, mostAlerts, readPayload } from './alert-payload.ts';
import type { Guard, WebhookSecrets } from './alert-payload.ts';
import { BodyBudget, largestBodyBytes, readBody, say } from './bounded-server.ts';
import type { Reply } from './bounded-server.ts';

interface WebhookPorts {
  readonly secrets: WebhookSecrets;
  readonly incidents: Pick<Incidents, 'alert'>;
  readonly meter: Pick<Meter, 'webhook' | 'alert'>;
  readonly clock: Pick<Clock, 'now'>;
  readonly log: Pick<Logger, 'warn' | 'error'>;
}

/** A burst of as many is answered within a second; more are better off with Alertmanager's own retry. */
const mostInFlight = 100;
/** Alertmanager gives up after 10 s and sends the same again, which then would be in flight twice. */
const answerWithinMs = 8000;
/** Severities are some words; a sender of hundreds is not helped by a line for each. */
const mostWords = 20;
const longestWord = 40;

/** Takes what Alertmanager and Grafana send. */
export class Webhook {
  readonly #ports: WebhookPorts;
  readonly #guard: Guard | null;
  readonly #budget = new BodyBudget();
  readonly #tellSeldom: ReturnType<typeof createTellSeldom>;
  readonly #unknownWords = new Set<string>();
  #inFlight = 0;

  constructor(ports: WebhookPorts) {
    this.#ports = ports;
    this.#guard = createGuard(ports.secrets);
    this.#tellSeldom = createTellSeldom(ports.clock);
  }

  /**
   * 202 once every alert is in the journal; 503 where it is not, so that it is sent again; never 429, which
   * Alertmanager takes for a final no. Never throws.
   */
  async answer(request: IncomingMessage): Promise<Reply> {
    const reply = this.#refuse(request) ?? (await this.#take(request));
    this.#ports.meter.webhook(reply.status);
    return reply;
  }

  /** Everything that is decided before a byte of the body is read. */
  #refuse({ headers }: IncomingMessage): Reply | null {
    if (this.#guard === null) {
      const sentence = 'Alerts are off here: set alerts.bearer or alerts.basic in dbconn.yml.';
      this.#warn('off', 'An alert was not taken. Set alerts.bearer or alerts.basic in dbconn.yml');
      return say(404, sentence);
    }
    if (!this.#guard.admits(headers.authorization)) {
      this.#warn('forged', 'A webhook did not bring the secret of alerts.bearer or alerts.basic');
      const challenge = { 'www-authenticate': this.#guard.challenge };
      return say(401, 'Not with these credentials.', { headers: challenge });
    }
    if (!/^application\/json *(;|$)/i.test(headers['content-type'] ?? '')) {
      return say(415, 'Send application/json.');
    }
    if (headers['content-encoding'] !== undefined) {
      // Unpacking would let a small body become a large one.
      return say(415, 'Send the body as it is, without Content-Encoding.');
    }
    return null;
  }

  async #take(request: IncomingMessage): Promise<Reply> {
    if (this.#inFlight >= mostInFlight) return this.#busy();
    this.#inFlight += 1;
    try {
      return await this.#read(request);
    } catch (err) {
      this.#tellSeldom('failed', (keptBack) =>
        this.#ports.log.error({ err, keptBack }, 'A webhook could not be taken'),
      );
      return again('It could not be recorded.');
    } finally {
      this.#inFlight -= 1;
    }
  }

  async #read(request: IncomingMessage): Promise<Reply> {
    const began = this.#ports.clock.now();
    const body = await readBody(request, this.#budget);
    if (body.kind === 'busy') return { ...this.#busy(), close: true };
    if (body.kind === 'too-large') {
      const mebibytes = largestBodyBytes / 1024 / 1024;
      this.#warn('large', `A webhook of more than ${mebibytes} MiB was refused`);
      return say(413, `The body is larger than ${mebibytes} MiB.`, { close: true });
    }
    if (body.kind === 'broken-off') return say(408, 'The body broke off.', { close: true });
    const payload = readPayload(body.text, new Date(began).toISOString());
    if (payload.kind === 'malformed') {
      this.#warn('malformed', `A webhook could not be read. ${payload.sentence}`);
      return say(400, payload.sentence);
    }
    if (payload.kind === 'too-many') {
      const fix = 'Group by target, as deploy/alertmanager.yml does';
      this.#warn('many', `A webhook of more than ${mostAlerts} alerts was refused. ${fix}`);
      return say(413, `More than ${mostAlerts} alerts in one group. ${fix}.`);
    }
    if (payload.truncated > 0) this.#tellTruncated(payload.truncated);
    return this.#record(payload.alerts, began + answerWithinMs);
  }

  /** In their order, one after the other: the second alert of a group often joins what the first one opened. */
  async #record(alerts: readonly Alert[], untilMs: number): Promise<Reply> {
    const { clock, incidents, log, meter } = this.#ports;
    for (const alert of alerts) {
      if (clock.now() > untilMs) return again('Recording takes too long.');
      const taken = await incidents.alert(alert);
      meter.alert(taken.ok ? taken.value.kind : 'refused');
      if (taken.ok) {
        if (taken.value.kind !== 'ignored') this.#tellSeverity(alert);
        continue;
      }
      const { refusal } = taken;
      this.#tellSeldom('refused', (keptBack) =>
        log.error({ keptBack, problem: refusal.why, next: refusal.next }, 'An alert was not taken'),
      );
      return again('It could not be recorded.');
    }
    return say(202, `Taken: ${alerts.length}.`);
  }

  /** Once for each word: Alertmanager repeats an alert for hours. */
  #tellSeverity(alert: Alert): void {
    const word = cleanUntrusted(alert.labels['severity'] ?? '', longestWord);
    const isNew = this.#unknownWords.size < mostWords && !this.#unknownWords.has(word);
    if (severityOf(alert) !== 'unknown' || !isNew) return;
    this.#unknownWords.add(word);
    const fix = 'Use info, warning or critical';
    this.#ports.log.warn(
      { word, alert: alert.name },
      `An alert has a severity that dbconn does not know; its rule's own counts. ${fix}`,
    );
  }

  /** What was left out comes with no later message by itself: dbconn would never hear of it. */
  #tellTruncated(alerts: number): void {
    for (let left = Math.min(alerts, mostAlerts); left > 0; left -= 1) {
      this.#ports.meter.alert('truncated');
    }
    this.#warn('truncated', 'Alertmanager left alerts out of a group. Set max_alerts: 0');
  }

  #busy(): Reply {
    this.#warn('busy', 'Webhooks came faster than they can be recorded; they will come again');
    return again('Too many webhooks at a time.');
  }

  #warn(kind: string, sentence: string): void {
    this.#tellSeldom(kind, (keptBack) => this.#ports.log.warn({ keptBack }, sentence));
  }
}

/** Alertmanager sends what was answered 5xx again at once, with growing pauses. */
function again(sentence: string): Reply {
  return say(503, `${sentence} Send it again.`, { headers: { 'retry-after': '1' } });
}
