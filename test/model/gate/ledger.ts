import { DatabaseSync } from 'node:sqlite';

import { lacksMeans } from '../../../src/runbook/approvals/propose.ts';
import type { Plan } from '../../../src/runbook/remedies/plan.ts';
import { done, refuse, signalWithinMs } from '../../../src/runbook/remedies/remedy.ts';
import type { Remedy, Report, RunControl } from '../../../src/runbook/remedies/remedy.ts';
import { buildPlan, buildSession, byHand } from '../../runbook/approvals/builders.ts';
import type { Machine } from '../machine.ts';
import type { GateRules } from './rules.ts';

/** Where a remedy stands still until the model lets it go on. */
export type PausePoint = 'look' | 'recheck' | 'deed' | 'record';
export type Pause = (point: PausePoint) => Promise<void>;

export interface Deed {
  readonly target: string;
  /** The `subject` of the plan it was done for: each proposal has its own. */
  readonly plan: string;
}

/** Two targets' sessions as rows of a real SQLite table, and who ended which. */
export class Ledger {
  readonly #database = new DatabaseSync(':memory:');
  readonly #machine: Machine;
  #plans = 0;

  constructor(machine: Machine) {
    this.#machine = machine;
    this.#database.exec(`
      CREATE TABLE sessions (target TEXT, pid INTEGER, PRIMARY KEY (target, pid)) STRICT;
      CREATE TABLE deeds (id INTEGER PRIMARY KEY, target TEXT, plan TEXT) STRICT;
    `);
  }

  nextPlan(): string {
    this.#plans += 1;
    return `plan-${this.#plans}`;
  }

  connect(target: string, pids: readonly number[]): void {
    const insert = this.#database.prepare('INSERT OR IGNORE INTO sessions VALUES (?, ?)');
    for (const pid of pids) insert.run(target, pid);
  }

  disconnect(target: string, pid: number): void {
    this.#database.prepare('DELETE FROM sessions WHERE target = ? AND pid = ?').run(target, pid);
  }

  pids(target: string): number[] {
    const rows = this.#database.prepare('SELECT pid FROM sessions WHERE target = ?').all(target);
    return rows.map(({ pid }) => Number(pid));
  }

  /** As PostgreSQL does it: one statement, and nobody is signalled after the deadline. False where it was too late. */
  end({ target, plan }: Deed, pids: readonly number[], askedAtMs: number): boolean {
    if (this.#machine.elapsedMs > askedAtMs + signalWithinMs) return false;
    this.#database.prepare('INSERT INTO deeds (target, plan) VALUES (?, ?)').run(target, plan);
    for (const pid of pids) this.disconnect(target, pid);
    return true;
  }

  deeds(): Deed[] {
    const rows = this.#database.prepare('SELECT target, plan FROM deeds ORDER BY id').all();
    return rows.map((row) => ({ target: String(row['target']), plan: String(row['plan']) }));
  }

  elapsedMs(): number {
    return this.#machine.elapsedMs;
  }

  close(): void {
    this.#database.close();
  }
}

interface Watch {
  readonly pause: Pause;
  readonly rules: GateRules;
}

/** Option A over the ledger, as small as it can be: intent, one deed, record. */
export class LedgerRemedy implements Remedy {
  readonly option = 'A';
  readonly target: string;
  readonly #ledger: Ledger;
  readonly #pause: Pause;
  readonly #rules: GateRules;

  constructor(target: string, ledger: Ledger, { pause, rules }: Watch) {
    this.target = target;
    this.#ledger = ledger;
    this.#pause = pause;
    this.#rules = rules;
  }

  propose(): ReturnType<Remedy['propose']> {
    const isPowerless = this.#rules.powerless.has(this.target);
    return isPowerless ? Promise.resolve(refuse(powerless, 'No role.', 'Name one.')) : this.plan();
  }

  protected plan(change: Partial<Plan> = {}): ReturnType<Remedy['propose']> {
    const targets = this.#ledger.pids(this.target).map(buildSession);
    if (targets.length === 0) return Promise.resolve(refuse('nothing', 'None is idle.', 'Look.'));
    const subject = this.#ledger.nextPlan();
    const { policyVersion: _version, plannedAt: _at, ...draft } = buildPlan(change);
    return Promise.resolve(done({ ...draft, target: this.target, subject, targets }));
  }

  async recheck({ subject, targets }: Plan): ReturnType<Remedy['recheck']> {
    this.#rules.passes(subject ?? '');
    await this.#pause('recheck');
    const alive = new Set(this.#ledger.pids(this.target));
    const left = targets.filter((one) => pidsOf([one]).every((pid) => alive.has(pid)));
    const gone = targets.filter((one) => !left.includes(one));
    return { left, skipped: gone.map(() => ({ what: 'pid', label: 'app', reason: 'gone' })) };
  }

  async run({ subject }: Plan, left: Plan['targets'], control: RunControl): Promise<Report> {
    if (await control.isStopped()) {
      return { items: [], summary: 'Stopped before the end.', finished: false };
    }
    await control.intend({ step: 0, sentence: 'end them' });
    if (this.#rules.isStopped()) this.#rules.broken.push('A step began although all is stopped.');
    const askedAtMs = this.#ledger.elapsedMs();
    await this.#pause('deed');
    const deed = { target: this.target, plan: subject ?? '' };
    if (this.#ledger.end(deed, pidsOf(left), askedAtMs)) this.#rules.deed(deed.plan);
    await this.#pause('record');
    await control.record({ step: 0, sentence: 'ended them' });
    return { items: [], summary: `${left.length} ended.`, finished: true };
  }

  recover(): Promise<Report> {
    const summary = `${this.#ledger.pids(this.target).length} still there.`;
    return Promise.resolve({ items: [], summary, finished: false });
  }
}

/** The same for a person to run, where dbconn has no role that may. */
export class HandRemedy extends LedgerRemedy {
  readonly #rules: GateRules;

  constructor(target: string, ledger: Ledger, watch: Watch) {
    super(target, ledger, watch);
    this.#rules = watch.rules;
  }

  override propose(): ReturnType<Remedy['propose']> {
    return this.plan({ byHand });
  }

  override run({ subject }: Plan): Promise<Report> {
    this.#rules.broken.push(`dbconn ran ${subject ?? ''}, which is for a person.`);
    return Promise.reject(new Error('This is run by hand.'));
  }

  override async recover(): Promise<Report> {
    const { summary } = await super.recover();
    const item = { what: 'sessions', outcome: 'unknown' as const, detail: summary, lines: [] };
    return { items: [item], summary, finished: true };
  }
}

const powerless = 'privilege';
if (!lacksMeans('A', { kind: powerless, why: '', next: '' })) throw new Error('No such refusal.');

function pidsOf(targets: Plan['targets']): number[] {
  return targets.flatMap((one) => (one.kind === 'session' ? [one.identity.pid] : []));
}
