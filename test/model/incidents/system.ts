import type { StoredJournal } from '../../../src/journal/stored-journal.ts';
import { diagnose } from '../../../src/runbook/diagnose/diagnose.ts';
import type { TargetCheck } from '../../../src/runbook/diagnose/evidence.ts';
import type { Snapshot } from '../../../src/runbook/snapshot/snapshot.ts';
import { Escalator } from '../../../src/runbook/escalation/escalator.ts';
import { whatToTell } from '../../../src/runbook/escalation/pager-updates.ts';
import { createIncidents } from '../../../src/runbook/incidents/incidents.ts';
import type { Incidents } from '../../../src/runbook/incidents/incidents.ts';
import { followMerged } from '../../../src/runbook/incidents/find-and-merge.ts';
import { defaultIncidentRules } from '../../../src/runbook/incidents/rules.ts';
import { createSteadyClock } from '../../../src/runbook/incidents/steady-clock.ts';
import type { SteadyClock } from '../../../src/runbook/incidents/steady-clock.ts';
import type { Answer } from '../../../src/runbook/remedies/remedy.ts';
import { inMemory, makeJournalFolder } from '../../journal/temporary-journal.ts';
import { aTarget } from '../../runbook/diagnose/builders.ts';
import { full, unreachable, used } from '../../runbook/incidents/incident-setup.ts';
import { allMembers } from '../../support/people.ts';
import { Machine, ProcessClock } from '../machine.ts';
import { Alertmanager } from './alerts.ts';
import { Outside } from './outside.ts';
import {
  IncidentRulesModel,
  askAgainAfterMs,
  closeAfterMs,
  openAfterMs,
  reopenWithinMs,
  steps,
} from './rules.ts';
import type { Sight } from './rules.ts';

export const targets = ['shop', 'till'].map((name) =>
  aTarget({
    name,
    composeProject: name,
    postgresService: 'postgres',
    contacts: { databaseAdmins: 'SDBA', backendLead: 'ULEAD', onCall: 'UONCALL' },
  }),
);

const snapshots: Readonly<Record<Sight, Snapshot>> = {
  calm: used(20),
  uneasy: used(82),
  trouble: full(),
  unseen: unreachable(),
};

/** One process of dbconn: its way to the incidents, and what calls people. */
interface Process {
  readonly clock: ProcessClock;
  readonly steady: SteadyClock;
  readonly journal: StoredJournal;
  readonly incidents: Incidents;
  readonly escalator: Escalator;
  readonly holder: { readonly id: string; readonly forMs: number };
}

const rules = {
  ...defaultIncidentRules,
  closeAfterMs,
  openAfterMs,
  askAgainAfterMs,
  reopenWithinMs,
};
const roundEveryMs = 15_000;
const leaseMs = 20_000;

/** Two processes on one journal, Slack, a pager and two targets: everything the commands act upon. */
export class IncidentSystem {
  readonly machine = new Machine();
  readonly rules = new IncidentRulesModel(this.machine);
  readonly alertmanager = new Alertmanager();
  readonly outside = new Outside(this.rules);
  readonly sights = new Map<string, Sight>(targets.map(({ name }) => [name, 'calm']));
  readonly faults: unknown[] = [];
  /** A process that is down is undefined. */
  readonly processes: (Process | undefined)[] = [];
  readonly #folder = makeJournalFolder(inMemory);
  #leader: Process | undefined;
  #processes = 0;

  /** Whichever process is up; undefined while none is. */
  get anybody(): Process | undefined {
    return this.processes.find((one) => one !== undefined);
  }

  /** Kills a process, or starts one in its place. */
  async setUp(number: number, isUp: boolean): Promise<void> {
    const old = this.processes[number];
    if ((old !== undefined) === isUp) return;
    old?.clock.die();
    await old?.journal.close();
    this.processes[number] = isUp ? await this.#start() : undefined;
  }

  /** Time passes, and every process does its rounds. */
  async pass(ms: number): Promise<void> {
    for (let passedMs = 0; passedMs < ms; passedMs += roundEveryMs) {
      await this.machine.pass(roundEveryMs, () => Promise.resolve());
      if (this.processes.every((one) => one === undefined)) this.rules.blind();
      for (const [number, process] of this.processes.entries()) {
        if (process !== undefined) await this.#roundOf(number, process);
      }
    }
  }

  close(): void {
    for (const process of this.processes) process?.clock.die();
    this.#folder.close();
  }

  /** One of the two is in the lead: it looks, ends what is over, and calls people. */
  async #roundOf(number: number, process: Process): Promise<void> {
    const dying = this.outside.dying.promise.then(() => 'killed' as const);
    const ended = await Promise.race([this.#round(process), dying]);
    if (ended !== 'killed') return;
    this.outside.mood = 'takes';
    this.outside.dying = Promise.withResolvers();
    await this.setUp(number, false);
    await this.setUp(number, true);
  }

  async #round(process: Process): Promise<void> {
    const { journal, holder, incidents, clock, steady } = process;
    await steady.agree();
    if (!(await journal.takeLead(holder))) return;
    if (this.#leader !== process) this.rules.blind();
    this.#leader = process;
    for (const target of targets) {
      const sight = this.sights.get(target.name) ?? 'calm';
      this.rules.looked(target.name, sight);
      must(await incidents.observe(toExamination(clock, target, snapshots[sight])));
    }
    const merged = await journal.listIncidents({ states: ['merged'], limit: 50 });
    await followMerged({ log: journal, clock: steady, onChange: this.#observe }, merged);
    const all = await journal.listIncidents({ states: ['open', 'resolved'], limit: 50 });
    for (const incident of all) {
      if (incident.state !== 'open' && whatToTell(incident) === null) continue;
      await process.escalator.advance({ incident, diagnosis: null, requests: [], ineffective: [] });
    }
    this.rules.afterRound();
  }

  readonly #observe = this.rules.observe.bind(this.rules);

  async #start(): Promise<Process> {
    const { machine, outside } = this;
    const clock = new ProcessClock(machine);
    const journal = await this.#folder.open({ clock });
    this.#processes += 1;
    const steady = createSteadyClock(journal, clock);
    const ports = { log: journal, clock, targets, rules };
    const incidents = createIncidents({
      ...ports,
      policyOf: () => steps.map((step) => ({ ...step, when: [...step.when] })),
      people: allMembers,
      onChange: this.#observe,
      onFault: (_about, error) => void this.faults.push(error),
    });
    const escalator = new Escalator({
      ...ports,
      clock: steady,
      announcements: outside.announcements,
      board: outside.board,
      meter: { escalation: () => undefined },
      channel: 'CDATABASE',
      pagerOf: () => outside.pager,
      // What is refused is tried again, and the model says whether it was.
      onFault: () => undefined,
    });
    const holder = { id: `process ${this.#processes}`, forMs: leaseMs };
    return { clock, steady, journal, incidents, escalator, holder };
  }
}

function toExamination(
  clock: ProcessClock,
  target: (typeof targets)[number],
  snapshot: Snapshot,
): TargetCheck {
  const takenAt = new Date(clock.now()).toISOString();
  const taken = { ...snapshot, target: target.name, takenAt };
  const diagnosis = diagnose({ snapshot: taken, target, recent: [] });
  return { snapshot: taken, target, recent: [], diagnosis };
}

function must(answer: Answer<unknown>): void {
  if (!answer.ok) throw new Error(`${answer.refusal.kind}: ${answer.refusal.why}`);
}
