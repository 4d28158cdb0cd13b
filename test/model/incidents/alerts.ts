import type { Alert } from '../../../src/runbook/incidents/alert.ts';
import type { Incidents } from '../../../src/runbook/incidents/incidents.ts';
import { uptimeOf } from '../../../src/timing.ts';
import type { Clock } from '../../../src/timing.ts';
import { nightBeginsMs } from '../machine.ts';
import type { IncidentRulesModel } from './rules.ts';

interface Told {
  /** Whichever process is up; undefined while none is. */
  readonly anybody: { readonly incidents: Incidents; readonly clock: Clock } | undefined;
  readonly rules: IncidentRulesModel;
}

interface Telling {
  readonly target: string;
  readonly fingerprint: string;
  readonly isFiring: boolean;
  /** As often as there are Alertmanagers. */
  readonly times: number;
}

/** What Alertmanager knows: each fingerprint fires once at a time. */
export class Alertmanager {
  readonly #firing = new Map<string, Telling & { readonly startsAt: string }>();

  /** A firing that begins, goes on or ends, told to whichever process is up. */
  async tell({ anybody, rules }: Told, telling: Telling): Promise<void> {
    const { fingerprint, isFiring, target, times } = telling;
    const before = this.#firing.get(fingerprint);
    if (anybody === undefined || (before === undefined && !isFiring)) return;
    // Prometheus's clock is its own: set back, it would tell of a firing older than one of the same alert that has ended.
    const now = new Date(nightBeginsMs + uptimeOf(anybody.clock)).toISOString();
    const startsAt = before?.startsAt ?? now;
    const alert: Alert = {
      status: isFiring ? 'firing' : 'resolved',
      name: 'DatabaseConnectionPoolExhausted',
      fingerprint,
      startsAt,
      endsAt: isFiring ? null : now,
      labels: { compose_project: target, compose_service: 'postgres', severity: 'critical' },
    };
    if (isFiring) this.#firing.set(fingerprint, { ...telling, startsAt });
    else this.#firing.delete(fingerprint);
    const key = `${fingerprint} ${startsAt}`;
    rules.word = 'begin';
    for (let told = 0; told < times; told += 1) {
      const answer = await anybody.incidents.alert(alert);
      if (!answer.ok) throw new Error(answer.refusal.why);
      const { value } = answer;
      if (!isFiring) for (const life of rules.lives.values()) life.firing.delete(key);
      else if (value.kind === 'opened' || value.kind === 'joined') {
        rules.lives.get(value.incident)?.firing.add(key);
      }
    }
    rules.word = null;
  }

  async endAll(system: Told): Promise<void> {
    for (const firing of this.#firing.values()) {
      await this.tell(system, { ...firing, isFiring: false, times: 1 });
    }
  }
}
