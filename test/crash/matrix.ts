import { expect } from 'vitest';
import type { Patient } from '../../sandbox/patient/patient.ts';
import { isOpen } from '../../src/runbook/approvals/request.ts';
import type { ApprovalRequest } from '../../src/runbook/approvals/request.ts';
import { valueOf } from '../runbook/approvals/answers.ts';
import type { Place } from '../journal/shelves.ts';
import { startChild } from './child.ts';
import type { Child, Ended } from './child.ts';
import type { CrashCase, Prepared } from './crash-case.ts';
import { startEngine } from './engine.ts';
import type { Engine } from './engine.ts';
import type { KillPoint } from './killing-journal.ts';
import { ann, bob, openCrashApprovals } from './open-crash-approvals.ts';
import type { CrashApprovals } from './open-crash-approvals.ts';
import type { Job } from './run-until-killed.ts';
import { takeOverFirst } from './take-over-first.ts';
import { reachedAdapters } from './reached-adapters.ts';
import type { PatientTarget } from './reached-adapters.ts';

interface MatrixParts {
  readonly crashCase: CrashCase;
  readonly patient: Patient;
  /** An empty journal of its own for each run. */
  readonly newJournal: () => Promise<Place>;
}

interface Attempt extends CrashApprovals {
  readonly place: Place;
  readonly patientTarget: PatientTarget;
}

/** Runs one case again and again on one patient, each time with a journal of its own. */
export class Matrix {
  readonly #parts: MatrixParts;
  readonly #engine: Engine;
  // The next process loads while this one is at work: half of the time is loading.
  #next: Child = startChild();

  private constructor(parts: MatrixParts, engine: Engine) {
    this.#parts = parts;
    this.#engine = engine;
  }

  static async open(parts: MatrixParts): Promise<Matrix> {
    const { patient } = parts;
    const engine = await startEngine({
      services: patient.services(),
      pools: patient.pools(),
      serverHost: patient.serverHost(),
    });
    return new Matrix(parts, engine);
  }

  /** A run that nobody kills; returns the kinds of its writes. */
  runWhole(): Promise<readonly string[]> {
    return this.#attempt(async (attempt, prepared) => {
      const { id } = await propose(attempt, prepared);
      const child = await this.#runChild(attempt, { id, task: 'approve', point: null });
      expectEnd(child, { signal: null, code: 0 });
      const ended = valueOf(await attempt.approvals.get(id));
      await expectWell(attempt, ended);
      await prepared.check(ended);
      return child.writes;
    });
  }

  runKilled(point: KillPoint): Promise<void> {
    return this.#attempt(async (attempt, prepared) => {
      const { id } = await propose(attempt, prepared);
      const child = await this.#runChild(attempt, { id, task: 'approve', point });
      expectEnd(child, { signal: 'SIGKILL', code: null });
      const ended = await finish(attempt, id);
      await expectWell(attempt, ended);
      await prepared.check(ended);
    });
  }

  /**
   * Killed there, and whoever finishes it killed too, at `second`; without one it finishes. Returns the kinds of
   * the writes of finishing.
   */
  runKilledTwice(first: KillPoint, second: KillPoint | null): Promise<readonly string[]> {
    return this.#attempt(async (attempt, prepared) => {
      const { id } = await propose(attempt, prepared);
      const killed = await this.#runChild(attempt, { id, task: 'approve', point: first });
      expectEnd(killed, { signal: 'SIGKILL', code: null });
      const next = await this.#runChild(attempt, { id, task: 'take over', point: second });
      const [signal, code] = second === null ? [null, 0] : (['SIGKILL', null] as const);
      expectEnd(next, { signal, code });
      const ended = await finish(attempt, id);
      await expectWell(attempt, ended);
      await prepared.check(ended);
      return next.writes;
    });
  }

  async close(): Promise<void> {
    this.#next.kill();
    await this.#engine.close();
  }

  async #attempt<T>(work: (attempt: Attempt, prepared: Prepared) => Promise<T>): Promise<T> {
    const { crashCase, patient } = this.#parts;
    const { countCalls, forgetCalls } = this.#engine;
    forgetCalls();
    const prepared = await crashCase.prepare({ patient, countCalls });
    const attempt = await this.#open();
    try {
      return await work(attempt, prepared);
    } finally {
      await attempt.close();
      await attempt.place.close();
      await prepared.tidy();
    }
  }

  async #open(): Promise<Attempt> {
    const { patient, newJournal } = this.#parts;
    const place = await newJournal();
    const patientTarget = { target: patient.target(), urls: patient.urls };
    const adapters = reachedAdapters(patientTarget, this.#engine.reached);
    const opened = await openCrashApprovals({ address: place.address, adapters });
    return { ...opened, place, patientTarget };
  }

  #runChild(
    { place: { address }, patientTarget }: Attempt,
    task: Pick<Job, 'id' | 'task' | 'point'>,
  ): Promise<Ended> {
    const child = this.#next;
    this.#next = startChild();
    return child.run({ ...task, address, engine: this.#engine.address, patientTarget });
  }
}

function expectEnd(child: Ended, end: Pick<Ended, 'signal' | 'code'>): void {
  const { signal, code, errors } = child;
  expect({ signal, code, errors }).toEqual({ ...end, errors: '' });
}

async function expectWell({ journal, faults }: Attempt, ended: ApprovalRequest): Promise<void> {
  expect(ended.state).toMatch(/^(?:done|failed)$/);
  expect(faults).toEqual([]);
  expect(await journal.verify()).toMatchObject({ ok: true });
}

async function propose(
  { approvals, patientTarget }: Attempt,
  { ask }: Prepared,
): Promise<ApprovalRequest> {
  return valueOf(await approvals.propose({ target: patientTarget.target.name, ask, actor: ann }));
}

/** As the next start does it. A vote that died with its process is given again, and only then may anything run. */
async function finish(attempt: Attempt, id: string): Promise<ApprovalRequest> {
  const { approvals } = attempt;
  const found = valueOf(await approvals.get(id));
  if (found.state === 'proposed') {
    valueOf(await approvals.approve(id, bob));
    const ended = valueOf(await approvals.settled(id));
    expect(attempt.runs()).toBe(1);
    return ended;
  }
  if (isOpen(found)) {
    await takeOverFirst(approvals);
  }
  const ended = valueOf(await approvals.settled(id));
  expect(attempt.runs()).toBe(0);
  return ended;
}
