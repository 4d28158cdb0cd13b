import { setImmediate as nextTurn } from 'node:timers/promises';
import type { StoredJournal } from '../../../src/journal/stored-journal.ts';
import { createApprovals } from '../../../src/runbook/approvals/approvals.ts';
import type { Approvals } from '../../../src/runbook/approvals/approvals.ts';
import { LeaseLost } from '../../../src/runbook/approvals/journal.ts';
import { defaultPolicy } from '../../../src/runbook/approvals/policy.ts';
import type { Policy } from '../../../src/runbook/approvals/policy.ts';
import { inMemory, makeJournalFolder } from '../../journal/temporary-journal.ts';
import { aReading, aSnapshot } from '../../runbook/diagnose/builders.ts';
import { optionPolicy } from '../../support/option-policy.ts';
import { HandPeople } from '../../support/people.ts';
import { patienceMs } from '../../support/until.ts';
import { HandRemedy, Ledger, LedgerRemedy } from './ledger.ts';
import type { Pause, PausePoint } from './ledger.ts';
import { Machine, ProcessClock } from '../machine.ts';
import { glassUsers, named, terminalUsers } from './model-people.ts';
import { GateRules, expiresAfterMs } from './rules.ts';
import type { GatePolicy } from './rules.ts';

const leaseMs = 20_000;

export const targets = ['shop', 'mail'] as const;

/** One process of dbconn: approvals of its own on the shared journal. */
export interface Process {
  readonly approvals: Approvals;
  readonly journal: StoredJournal;
  readonly clock: ProcessClock;
  /** What it runs, until it ends. */
  readonly busy: Set<string>;
  /** When it last renewed its lease on each, in true time. */
  readonly held: Map<string, number>;
  /** Where its remedies and looks stand still. */
  readonly paused: Set<() => void>;
  readonly pausesAt: Set<PausePoint>;
  readonly renew: () => Promise<void>;
}

/** Two processes, their journal, the people and the patients: everything the commands act upon. */
export class GateSystem {
  readonly machine = new Machine();
  readonly people = new HandPeople();
  readonly ledger = new Ledger(this.machine);
  readonly rules: GateRules;
  readonly faults: unknown[] = [];
  readonly processes: Process[] = [];
  readonly #folder = makeJournalFolder(inMemory);
  readonly #policy: Policy;

  private constructor({ powerless, ...given }: GatePolicy) {
    this.rules = new GateRules({ powerless, ...given }, this.machine);
    const optionA = { ...optionPolicy, ...given, approvers: [...named, 'SDBA'] };
    const breakGlass = { ...glassUsers, actions: ['A' as const] };
    this.#policy = {
      ...defaultPolicy,
      options: { A: optionA },
      terminalUsers,
      breakGlass,
      expiresAfterMs,
    };
    this.people.groups.set('SDBA', [...this.rules.people.group]);
  }

  static async start(policy: GatePolicy): Promise<GateSystem> {
    const system = new GateSystem(policy);
    for (const target of targets) system.ledger.connect(target, [101, 102, 103]);
    await system.replace(0);
    await system.replace(1);
    return system;
  }

  get file(): string {
    return this.#folder.file;
  }

  process(number: number): Process {
    const found = this.processes[number];
    if (found === undefined) throw new Error(`There is no process ${number}.`);
    return found;
  }

  /** Kills a process, if there is one, and starts the next in its place. */
  async replace(number: number): Promise<void> {
    const old = this.processes[number];
    old?.clock.die();
    await old?.journal.close();
    this.processes[number] = await this.#start();
  }

  /** Notes what runs in that process from now on. */
  begin(process: Process, id: string): void {
    for (const { held } of this.processes) {
      const renewedAtMs = held.get(id);
      held.delete(id);
      // A clock that was set may make a lease look as if it had run out.
      if (renewedAtMs === undefined || this.rules.jumps > 0) continue;
      const isHeld = this.machine.elapsedMs - renewedAtMs < leaseMs;
      if (isHeld) this.rules.broken.push(`${id} was taken from a process that lives.`);
    }
    process.busy.add(id);
    process.held.set(id, this.machine.elapsedMs);
    void process.approvals.settled(id).finally(() => {
      process.busy.delete(id);
      process.held.delete(id);
    });
  }

  /** Until everything that runs either ended, sleeps or stands still. */
  async settle(): Promise<void> {
    const deadline = performance.now() + patienceMs;
    const isQuiet = ({ busy, paused, clock }: Process): boolean =>
      busy.size === paused.size + clock.sleepers.size;
    while (!this.processes.every(isQuiet)) {
      if (performance.now() > deadline) throw new Error('A run neither ends nor waits.');
      await nextTurn();
    }
  }

  /** Lets what stands still there go on. Its own timers come first, and renew what it holds, unless they are late. */
  async goOn(process: Process, isLate = false): Promise<void> {
    if (!isLate) await process.renew();
    const paused = [...process.paused];
    process.paused.clear();
    for (const wake of paused) wake();
    await this.settle();
  }

  async close(): Promise<void> {
    for (const { clock } of this.processes) clock.die();
    this.ledger.close();
    this.#folder.close();
    await Promise.resolve();
  }

  async #start(): Promise<Process> {
    const { machine, ledger, people, rules } = this;
    const clock = new ProcessClock(machine);
    const journal = await this.#folder.open({ clock });
    const paused = new Set<() => void>();
    const pausesAt = new Set<PausePoint>();
    const pause: Pause = (point) => {
      if (!pausesAt.has(point)) return Promise.resolve();
      return new Promise((resolve) => paused.add(resolve));
    };
    const held = new Map<string, number>();
    const renewals = new Set<() => Promise<void>>();
    const approvals = createApprovals({
      journal,
      people,
      clock,
      policy: this.#policy,
      stopSwitch: { readStop: () => Promise.resolve(this.#readBrake()) },
      approvalTargets: targets.map((name) => ({
        name,
        remedies: [new LedgerRemedy(name, ledger, { pause, rules })],
        handOffs: [new HandRemedy(name, ledger, { pause, rules })],
        takeSnapshot: async () => {
          await pause('look');
          return aSnapshot({
            reading: aReading({ counts: { clients: ledger.pids(name).length } }),
          });
        },
        warningUtilisation: 0.8,
      })),
      repeat(_everyMs, work) {
        renewals.add(work);
        return () => void renewals.delete(work);
      },
      leaseMs,
      verifyAfterMs: 60_000,
      onChange: (request) => rules.observe(request, clock),
      onFault: (_id, error) => {
        // It stood still, and another process took over: it was told so, and ended.
        if (!(error instanceof LeaseLost)) this.faults.push(error);
      },
    });
    const renew = async (): Promise<void> => {
      for (const work of renewals) await work();
      for (const id of held.keys()) held.set(id, machine.elapsedMs);
    };
    return { approvals, journal, clock, busy: new Set(), held, paused, pausesAt, renew };
  }

  #readBrake(): { by: string; at: string; reason: string } | undefined {
    return this.rules.stopSwitch ? { by: 'a file', at: '', reason: '' } : undefined;
  }
}
