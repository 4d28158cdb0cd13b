import { afterEach, beforeEach } from 'vitest';
import { current } from '../../support/current.ts';
import { HandPeople } from '../../support/people.ts';

import { createApprovals } from '../../../src/runbook/approvals/approvals.ts';
import type { Approvals } from '../../../src/runbook/approvals/approvals.ts';
import type { ApprovalDeps } from '../../../src/runbook/approvals/context.ts';
import { defaultPolicy } from '../../../src/runbook/approvals/policy.ts';
import type { OptionPolicy, Policy } from '../../../src/runbook/approvals/policy.ts';
import type { ApprovalRequest } from '../../../src/runbook/approvals/request.ts';
import type { Plan } from '../../../src/runbook/remedies/plan.ts';
import { done } from '../../../src/runbook/remedies/remedy.ts';
import type { Remedy, Report, RunControl } from '../../../src/runbook/remedies/remedy.ts';
import type { StoredJournal } from '../../../src/journal/stored-journal.ts';
import { makeJournalFolder } from '../../journal/temporary-journal.ts';
import { aReading, aSnapshot, aSource } from '../diagnose/builders.ts';
import { optionPolicy } from '../../support/option-policy.ts';
import { bob, buildPlan, cem } from './builders.ts';
import type { Clock } from '../../../src/timing.ts';
import type { Stop } from '../../../src/runbook/approvals/journal.ts';

export const startedAtMs = Date.parse('2026-11-23T03:00:00.000Z');

/** A clock that moves only when it is told to, or slept on. */
export class HandClock implements Clock {
  nowMs = startedAtMs;
  /** Whoever sleeps sleeps until the signal. */
  stands = false;

  now(): number {
    return this.nowMs;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (this.stands) {
      return new Promise((_, reject) => {
        signal?.addEventListener('abort', () => reject(new Error('aborted')));
      });
    }
    this.nowMs += ms;
    return Promise.resolve();
  }
}

/** A remedy over a patient of plain numbers: ending its two targets frees as many slots. */
export class ScriptedRemedy implements Remedy {
  option: Remedy['option'] = 'A';
  readonly target = 'shop';
  /** Pids still there. */
  readonly alive = new Set([101, 102]);
  /** What it proposes, without those that are gone. */
  plan = buildPlan();
  used = 95;
  runs = 0;
  during: (control: RunControl) => Promise<void> = () => Promise.resolve();

  propose(): ReturnType<Remedy['propose']> {
    const { policyVersion: _version, plannedAt: _at, ...draft } = this.plan;
    const targets = draft.targets.filter((target) => this.#isAlive(target));
    return Promise.resolve(done({ ...draft, targets }));
  }

  recheck(plan: Plan): ReturnType<Remedy['recheck']> {
    const left = plan.targets.filter((target) => this.#isAlive(target));
    const gone = plan.targets.filter((target) => !left.includes(target));
    const skipped = gone.map(() => ({ what: 'pid', label: 'backend', reason: 'gone' }));
    return Promise.resolve({ left, skipped });
  }

  async run(_plan: Plan, left: Plan['targets'], control: RunControl): Promise<Report> {
    this.runs += 1;
    await control.intend({ step: 0, sentence: 'end them' });
    await this.during(control);
    for (const target of left) {
      if (target.kind === 'session') this.alive.delete(target.identity.pid);
    }
    this.used -= left.length * 30;
    await control.record({ step: 0, sentence: 'ended them' });
    return { items: [], summary: `${left.length} ended.`, finished: true };
  }

  recover(): Promise<Report> {
    const summary = `${this.alive.size} still there.`;
    return Promise.resolve({ items: [], summary, finished: false });
  }

  #isAlive(target: Plan['targets'][number]): boolean {
    return target.kind === 'session' && this.alive.has(target.identity.pid);
  }
}

export interface World {
  /** Where the journal is. */
  readonly file: string;
  readonly remedy: ScriptedRemedy;
  readonly clock: HandClock;
  readonly people: HandPeople;
  /** A stop set on the machine. */
  stopSwitch: Stop | undefined;
  readonly changes: ApprovalRequest[];
  readonly faults: unknown[];
  /** Other approvals on the same journal file, as another replica has them. */
  approvals(
    option?: Partial<OptionPolicy>,
    policy?: Partial<Policy>,
    parts?: Partial<ApprovalDeps>,
  ): Promise<Approvals>;
  journal(): Promise<StoredJournal>;
  /** The time to renew leases has come, for all approvals. */
  beat(): Promise<void>;
  /** How many of them renew leases. */
  beats(): number;
  /** Every journal opened until now refuses from here on. */
  breakJournals(): void;
  close(): void;
}

/** A clock that people set, while the machine's uptime goes on. */
export class SetClock extends HandClock {
  #upMs = 0;

  uptime(): number {
    return this.#upMs;
  }

  override sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (!this.stands) this.#upMs += ms;
    return super.sleep(ms, signal);
  }

  pass(ms: number): void {
    this.nowMs += ms;
    this.#upMs += ms;
  }
}

interface Given {
  /** Of another kind than a file. */
  readonly open?: () => Promise<StoredJournal>;
  readonly clock?: HandClock;
}

export function createWorld({ open, clock = new HandClock() }: Given = {}): World {
  const folder = makeJournalFolder();
  const remedy = new ScriptedRemedy();
  const people = new HandPeople();
  const changes: ApprovalRequest[] = [];
  const faults: unknown[] = [];
  const takeSnapshot = () => {
    const sources = [aSource({ application: 'backend', total: remedy.used })];
    const reading = aReading({ counts: { clients: remedy.used }, sources });
    return Promise.resolve(aSnapshot({ reading }));
  };
  const journal = (): Promise<StoredJournal> => folder.open({ clock });
  const renewals = new Set<() => Promise<void>>();
  const world: World = {
    file: folder.file,
    remedy,
    clock,
    people,
    stopSwitch: undefined,
    changes,
    faults,
    journal,
    async approvals(option = {}, policy = {}, parts = {}) {
      const optionA = { ...optionPolicy, approvers: [bob.id, cem.id], ...option };
      return createApprovals({
        people,
        stopSwitch: { readStop: () => Promise.resolve(world.stopSwitch) },
        journal: parts.journal ?? (await (open ?? journal)()),
        approvalTargets: [
          {
            name: 'shop',
            remedies: [remedy],
            handOffs: [remedy],
            takeSnapshot,
            warningUtilisation: 0.8,
          },
        ],
        policy: { ...defaultPolicy, options: { A: optionA }, ...policy },
        clock,
        repeat(_everyMs, work) {
          renewals.add(work);
          return () => void renewals.delete(work);
        },
        verifyAfterMs: 60_000,
        onChange: (request) => void changes.push(request),
        onFault: (_id, error) => void faults.push(error),
        ...parts,
      });
    },
    async beat() {
      for (const renew of renewals) await renew();
    },
    beats: () => renewals.size,
    breakJournals: () => folder.closeJournals(),
    close: () => folder.close(),
  };
  return world;
}

/** A world of its own for each test of a file, in which no change may break off. */
export function useWorld(): World {
  let world: World | undefined;
  beforeEach(() => {
    world = createWorld();
  });
  afterEach(() => {
    const { faults = [] } = world ?? {};
    world?.close();
    if (faults.length > 0) throw new AggregateError(faults, 'An execution broke.');
  });
  return current(() => world);
}
