import type { Check } from '../diagnose/doctor.ts';
import { done, refuse } from '../remedies/remedy.ts';
import type { Answer } from '../remedies/remedy.ts';
import type { Database, ServerIdentity } from '../snapshot/ports.ts';
import type { Target } from '../snapshot/target.ts';
import { list } from '../snapshot/words.ts';

/** How a target stands to the others of the configuration. */
export interface Neighbourhood {
  /** A refusal where another target, named before it in the configuration, is the same database. */
  readonly mayChange: Answer<null>;
  /** All targets on its server, itself among them: they share one lock. */
  readonly onServer: readonly string[];
  /** All targets with its containers, on one compose project of one Docker engine, itself among them: C and E share one lock. */
  readonly inProject: readonly string[];
  /** Its server's system identifier could be read; without it only the server's start tells. */
  readonly isCertain: boolean;
}

/** For doctor: with which targets this one shares its database or its server. */
export function checkNeighbours(
  { mayChange, onServer, inProject, isCertain }: Neighbourhood,
  name: string,
): Check[] {
  const others = onServer.filter((other) => other !== name);
  const checks: Check[] = [];
  if (!mayChange.ok) {
    const { why, next } = mayChange.refusal;
    checks.push({ subject: 'Configuration', state: 'warning', summary: why, fix: next });
  } else if (others.length > 0) {
    const summary = `It shares a server with ${list(others)}, and so one lock and all protected applications.`;
    checks.push({ subject: 'Configuration', state: 'ok', summary });
  }
  const sameContainers = inProject.filter((other) => other !== name && !onServer.includes(other));
  if (sameContainers.length > 0) {
    const summary = `It shares its containers with ${list(sameContainers)}, and so one lock for options C and E.`;
    checks.push({ subject: 'Configuration', state: 'ok', summary });
  }
  if (!isCertain) {
    checks.push({
      subject: 'PostgreSQL',
      state: 'warning',
      summary:
        'The role cannot read the system identifier: targets on one server are compared by start time.',
      fix: 'GRANT EXECUTE ON FUNCTION pg_control_system() TO the role of url.',
    });
  }
  return checks;
}

interface Reached {
  readonly target: Target;
  readonly database: Database;
  /** Names its compose project on its Docker engine; undefined where it has none. */
  readonly project: string | undefined;
}

/** One look at a time costs less than all at once; more than these together would crowd a full server. */
const mostAtOnce = 4;
/** One that could not be reached is asked again after this long: it may cost four seconds each time. */
const askAgainAfterMs = 30_000;

/**
 * Knows which targets are the same database, and which are on one server, whatever their addresses. Judged from what
 * each look told; one that no look has reached yet is looked at first.
 */
export class Neighbours {
  readonly #all: Reached[] = [];
  readonly #failedAtMs = new Map<string, number>();
  /** Pairs of starts that were seen to differ by checks of both. */
  readonly #copies = new Set<string>();
  readonly #clock: { now(): number };

  constructor(clock: { now(): number }) {
    this.#clock = clock;
  }

  /** In the order of the configuration: of two that are the same database the one added first may change it. */
  add(target: Target, database: Database, project?: string): void {
    this.#all.push({ target, database, project });
  }

  async of(name: string): Promise<Neighbourhood> {
    const own = this.#find(name);
    await this.#reach(this.#all.filter(({ database }) => database.identity?.() === undefined));
    await this.#compareStarts(own);
    const identity = own.database.identity?.();
    const near = this.#near(own);
    const first = near.find(({ database }) => isSameDatabase(database.identity?.(), identity));
    return {
      mayChange:
        first === undefined || first === own ? done(null) : refuseSecond(name, first.target.name),
      onServer: near.map(({ target }) => target.name),
      inProject: this.#all
        .filter(
          (other) => other === own || (own.project !== undefined && other.project === own.project),
        )
        .map(({ target }) => target.name),
      isCertain: identity === undefined || identity.systemIdentifier !== null,
    };
  }

  /** What is protected on any target of its server, as far as checks told: sessions of all of them can be seen from each. */
  protect(target: Target): Target {
    const near = this.#near(this.#find(target.name));
    if (near.length < 2) return target;
    const names = near.flatMap((neighbour) => neighbour.target.protectedApplications);
    return { ...target, protectedApplications: [...new Set(names)] };
  }

  #find(name: string): Reached {
    const found = this.#all.find(({ target }) => target.name === name);
    if (found === undefined) throw new Error(`There is no target "${name}".`);
    return found;
  }

  /** Those on the server of this one, itself among them, in the order of the configuration. */
  #near(own: Reached): Reached[] {
    const identity = own.database.identity?.();
    return this.#all.filter(
      (other) => other === own || isSameServer(other.database.identity?.(), identity),
    );
  }

  /** A restart between two checks looks like a copy of the server: then both are looked at again. */
  async #compareStarts(own: Reached): Promise<void> {
    const pairOf = ({ database }: Reached): string =>
      `${own.database.identity?.()?.startedAt} ${database.identity?.()?.startedAt}`;
    const doubtful = this.#all.filter(
      (other) =>
        mayBeCopy(other.database.identity?.(), own.database.identity?.()) &&
        !this.#copies.has(pairOf(other)),
    );
    if (doubtful.length === 0) return;
    await this.#reach([own, ...doubtful]);
    for (const other of doubtful) this.#copies.add(pairOf(other));
  }

  async #reach(targets: readonly Reached[]): Promise<void> {
    const now = this.#clock.now();
    const waiting = targets.filter(
      ({ target }) => now - (this.#failedAtMs.get(target.name) ?? -Infinity) >= askAgainAfterMs,
    );
    const work = async (): Promise<void> => {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
        const { reading } = await next.database.readSnapshot();
        if (reading === undefined) this.#failedAtMs.set(next.target.name, this.#clock.now());
        else this.#failedAtMs.delete(next.target.name);
      }
    };
    await Promise.all(Array.from({ length: mostAtOnce }, work));
  }
}

type Known = ServerIdentity | undefined;

/** A copy made of its files, and a standby, have the system identifier too, but were not started in the same microsecond. */
function isSameServer(a: Known, b: Known): boolean {
  if (a === undefined || b === undefined || a.startedAt !== b.startedAt) return false;
  const isUnread = a.systemIdentifier === null || b.systemIdentifier === null;
  return isUnread || a.systemIdentifier === b.systemIdentifier;
}

function isSameDatabase(a: Known, b: Known): boolean {
  return isSameServer(a, b) && a?.database === b?.database;
}

function mayBeCopy(a: Known, b: Known): boolean {
  if (a === undefined || b === undefined || a.systemIdentifier === null) return false;
  return a.systemIdentifier === b.systemIdentifier && a.startedAt !== b.startedAt;
}

function refuseSecond(name: string, first: string): ReturnType<typeof refuse> {
  return refuse(
    'same-database',
    `${name} and ${first} are the same database, so changes go through ${first} only.`,
    `Propose it for ${first}, or remove one of the two from dbconn.yml.`,
  );
}
