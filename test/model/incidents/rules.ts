import type { Incident } from '../../../src/runbook/incidents/incident.ts';
import type { Page } from '../../../src/runbook/escalation/ports.ts';
import type { Machine } from '../machine.ts';

const minuteMs = 60_000;
export const openAfterMs = 30_000;
const lostAfterMs = 2 * minuteMs;
export const closeAfterMs = 2 * minuteMs;
export const reopenWithinMs = 10 * minuteMs;
export const askAgainAfterMs = 10 * minuteMs;
/** One step for each of the runbook's contacts, by the age of the incident alone. */
export const steps = [
  { who: 'database-admins', afterMs: minuteMs, when: [], unlessAssigned: true },
  { who: 'backend-lead', afterMs: 3 * minuteMs, when: [], unlessAssigned: false },
  { who: 'on-call', afterMs: 5 * minuteMs, when: [], unlessAssigned: true },
] as const;

/** What a look shows. */
export type Sight = 'calm' | 'uneasy' | 'trouble' | 'unseen';

interface Life {
  readonly id: string;
  readonly target: string;
  state: Incident['state'];
  /** Since when it lives: opened, or come back. */
  sinceMs: number;
  lives: number;
  assignee: string | null;
  assignedAtMs: number | null;
  silencedUntilMs: number;
  mergedInto: string | null;
  severity: Incident['severity'];
  /** Firings it knows that Alertmanager has not ended. */
  readonly firing: Set<string>;
  readonly called: Set<string>;
  /** When it was first seen that a step is due. */
  readonly dueAtMs: Map<string, number>;
}

/** The rules of docs/escalation.md and README once more, as short as they can be written. */
export class IncidentRulesModel {
  readonly lives = new Map<string, Life>();
  readonly broken: string[] = [];
  readonly reached = new Map<string, number>();
  /** Looks at each target: since when all of them showed that. */
  readonly calmSince = new Map<string, number>();
  readonly troubleSince = new Map<string, number>();
  readonly unseenSince = new Map<string, number>();
  readonly #machine: Machine;
  /** Somebody, or an alert, says at this moment that a target is in trouble, or that it is over. */
  word: 'begin' | 'end' | null = null;
  /** How often the clock was set. What is early then is no fault; what is late is one. */
  jumps = 0;
  #refusedAtMs = Number.NEGATIVE_INFINITY;

  constructor(machine: Machine) {
    this.#machine = machine;
  }

  get now(): number {
    return this.#machine.elapsedMs;
  }

  /** From the newest back. */
  pick(number: number): Life | undefined {
    return [...this.lives.values()].toReversed()[number % Math.max(1, this.lives.size)];
  }

  openOf(target: string): Life | undefined {
    return [...this.lives.values()].find((one) => one.state === 'open' && one.target === target);
  }

  /** Before a process's look is told to dbconn. */
  looked(target: string, sight: Sight): void {
    const note = (since: Map<string, number>, holds: boolean): void => {
      if (!holds) since.delete(target);
      else if (!since.has(target)) since.set(target, this.now);
    };
    note(this.calmSince, sight === 'calm');
    note(this.unseenSince, sight === 'unseen');
    // A look that saw nothing neither counts nor breaks the row.
    if (sight !== 'unseen') note(this.troubleSince, sight === 'trouble');
  }

  /** A look that was not taken breaks every row. */
  blind(): void {
    for (const since of [this.calmSince, this.troubleSince, this.unseenSince]) since.clear();
  }

  /** Every change of an incident, at the moment it was written. */
  observe(incident: Incident): void {
    const { id, target, state, severity, mergedInto, reopenedAt } = incident;
    const life = this.lives.get(id) ?? this.#learn(id, target);
    if (state !== life.state) {
      this.#count(state);
      if (state === 'open') this.#begins(life);
      if (state === 'resolved') this.#ends(life, incident);
    }
    Object.assign(life, { state, severity, mergedInto, lives: reopenedAt.length });
  }

  /** Slack took a call; `stands` says that the same one stood there. */
  called(key: string, stands: boolean): void {
    const [id = '', step = ''] = key.split('/');
    const life = this.lives.get(id);
    if (life === undefined) this.broken.push(`Called for no incident: ${key}.`);
    else this.#takes(life, step, stands || life.called.has(step));
  }

  paged(action: Page['action'], key: string): void {
    const life = this.lives.get(key.split('/')[2] ?? '');
    if (life === undefined) this.broken.push(`Paged for no incident: ${key}.`);
    else if (action === 'resolve' && life.state === 'open') this.#break(life, 'lost its page');
    else if (action === 'trigger') this.#takes(life, this.#stepId(life, 2), false);
    else if (action === 'acknowledge' && life.assignedAtMs === null) {
      this.#break(life, 'was acknowledged by nobody');
    }
  }

  refused(): void {
    this.#refusedAtMs = this.now;
  }

  /** After a round in which everything that is due could be done. */
  afterRound(): void {
    // What was refused waits up to five minutes, and the pager may have three tries before another way is taken.
    const isPaused = this.now - this.#refusedAtMs < 20 * minuteMs;
    for (const life of this.lives.values()) {
      steps.forEach((step, index) => {
        const isDue = life.state === 'open' && this.#mayCall(life, index) === true;
        const id = this.#stepId(life, index);
        if (!isDue || life.called.has(id)) life.dueAtMs.delete(id);
        else if (!life.dueAtMs.has(id)) life.dueAtMs.set(id, this.now);
        const lateMs = this.now - (life.dueAtMs.get(id) ?? this.now);
        if (lateMs > 15_000 && !isPaused) this.#break(life, `did not call ${step.who}`);
      });
    }
  }

  /** Undefined where it depends on whether somebody is asked in between. */
  #mayCall(life: Life, index: number): boolean | undefined {
    const step = steps[index];
    if (step === undefined || life.severity !== 'critical') return false;
    if (this.now < life.silencedUntilMs || this.now - life.sinceMs < step.afterMs) return false;
    if (!step.unlessAssigned || life.assignedAtMs === null) return true;
    return this.now - life.assignedAtMs < askAgainAfterMs ? false : undefined;
  }

  #takes(life: Life, step: string, isRepeated: boolean): void {
    this.#count(step.startsWith('hand') ? 'hand' : 'step');
    if (isRepeated) this.#break(life, `called twice for ${step}`);
    life.called.add(step);
    if (life.state !== 'open') this.#break(life, `called for ${step} as ${life.state}`);
    if (step.startsWith('hand')) return;
    const index = Number(step.split('-')[1]);
    if (this.#stepId(life, index) !== step) this.#break(life, `called for ${step} of another life`);
    if (this.jumps === 0 && this.#mayCall(life, index) === false)
      this.#break(life, `called too early for ${step}`);
  }

  #begins(life: Life): void {
    const since = (row: Map<string, number>): number =>
      this.now - (row.get(life.target) ?? this.now);
    const isSeen =
      since(this.troubleSince) >= openAfterMs || since(this.unseenSince) >= lostAfterMs;
    if (this.word !== 'begin' && !isSeen && this.jumps === 0)
      this.#break(life, 'began without a reason');
    for (const other of this.lives.values()) {
      const isSame = other !== life && other.target === life.target && other.state === 'open';
      if (isSame) this.#break(life, `is open beside ${other.id}`);
    }
    life.sinceMs = this.now;
    life.assignee = null;
    life.assignedAtMs = null;
  }

  #ends(life: Life, { closing, mergedInto }: Incident): void {
    if (closing?.by !== null && this.word === 'end') return;
    if (mergedInto !== null) {
      const root = this.lives.get(mergedInto);
      if (root?.state === 'open') this.#break(life, 'ended before what it is a part of');
      return;
    }
    if (life.firing.size > 0) this.#break(life, `ended while ${[...life.firing].join()} fires`);
    const calmMs = this.now - (this.calmSince.get(life.target) ?? this.now);
    if (calmMs < closeAfterMs && this.jumps === 0)
      this.#break(life, `ended after ${calmMs} ms of calm`);
    for (const part of this.lives.values()) {
      const isPart = part.state === 'merged' && part.mergedInto === life.id;
      if (isPart && this.troubleSince.has(part.target)) this.#break(life, 'ended with a part ill');
    }
  }

  #learn(id: string, target: string): Life {
    const life: Life = {
      id,
      target,
      state: 'resolved',
      sinceMs: this.now,
      lives: 0,
      assignee: null,
      assignedAtMs: null,
      silencedUntilMs: 0,
      mergedInto: null,
      severity: 'info',
      firing: new Set(),
      called: new Set(),
      dueAtMs: new Map(),
    };
    this.lives.set(id, life);
    return life;
  }

  #stepId({ lives }: Life, index: number): string {
    return lives === 0 ? `step-${index}` : `step-${index}-${lives}`;
  }

  #count(what: string): void {
    this.reached.set(what, (this.reached.get(what) ?? 0) + 1);
  }

  #break({ id, target }: Life, what: string): void {
    this.broken.push(`${id} of ${target} ${what}.`);
  }
}
