import { hasPassed, isoNow } from '../../timing.ts';
import type { Holder } from '../approvals/journal.ts';
import type { Diagnosis } from '../diagnose/diagnosis.ts';
import type { Escalator } from '../escalation/escalator.ts';
import type { Meter } from '../escalation/ports.ts';
import { whatToTell } from '../escalation/pager-updates.ts';
import { changeIncident } from '../incidents/change.ts';
import type { Decision } from '../incidents/change.ts';
import { checklist } from '../incidents/incident.ts';
import { endSilence } from '../incidents/decisions.ts';
import { readRequestsOf } from '../incidents/incident-log.ts';
import type { IncidentLog } from '../incidents/incident-log.ts';
import type { Incident } from '../incidents/incident.ts';
import type { IncidentView, Incidents } from '../incidents/incidents.ts';
import { findIneffective } from '../incidents/ineffective-remedies.ts';
import { Pauses } from '../incidents/pauses.ts';
import type { IncidentRules } from '../incidents/rules.ts';
import type { SteadyClock } from '../incidents/steady-clock.ts';
import type { IncidentBoard } from '../reports/incident-board.ts';
import type { Reporter } from '../reports/reporter.ts';
import type { Watch } from './check-targets.ts';
import type { TargetMonitor } from './target-monitor.ts';

/** What the loop needs. */
export interface IncidentLoopDeps {
  readonly incidents: Incidents;
  readonly log: IncidentLog;
  readonly monitor: Pick<TargetMonitor, 'targets' | 'runCheck'>;
  readonly board: IncidentBoard;
  readonly escalator: Pick<Escalator, 'advance'>;
  readonly reporter: Pick<Reporter, 'advance'>;
  readonly rules: IncidentRules;
  readonly clock: SteadyClock;
  readonly meter: Meter;
  /** One for each process; its time is how long after a crash another one takes over. */
  readonly holder: Holder;
  /** Between two rounds; a second unless given. */
  readonly everyMs?: number;
  /** What went wrong; the next round tries again. Must not throw. */
  readonly onFault: (about: string, error: unknown) => void;
  /** A round was made; `isGood` is false where it broke off, such as for a journal that takes nothing. Must not throw. */
  readonly onRound?: (isGood: boolean) => void;
  readonly onChange?: (incident: Incident) => void;
  /** From 0 to 1, as Math.random. */
  readonly random?: () => number;
}

interface AdvanceDeps extends IncidentLoopDeps {
  readonly latest: ReadonlyMap<string, Diagnosis>;
  readonly watch: Pick<Watch, 'soon'>;
  readonly isLeading: () => boolean;
}

/** After a restart older ones are not shown again: nothing about them changes by itself. */
const shownAfterMs = 15 * 60_000;
const pagerToldWithinMs = 86_400_000;

/** What is remembered of an incident between two rounds. */
interface IncidentMemory {
  shown: string;
  requestChanged: ReadonlyMap<string, number>;
  checkedFor: string;
}

/** Brings incidents on, each by itself: one that fails or is slow never holds up another. */
export class IncidentAdvancer {
  readonly #deps: AdvanceDeps;
  readonly #memories = new Map<string, IncidentMemory>();
  readonly #busy = new Map<string, Promise<void>>();
  readonly #pauses: Pauses;

  constructor(deps: AdvanceDeps) {
    this.#deps = deps;
    this.#pauses = new Pauses({ clock: deps.clock, firstMs: 2000, longestMs: 60_000 });
  }

  /** Begins what is to be done now, and returns at once. */
  advance(incidents: readonly Incident[]): void {
    const present = new Set(incidents.map(({ id }) => id));
    for (const id of this.#memories.keys()) if (!present.has(id)) this.#memories.delete(id);
    this.#pauses.keepOnly(present);
    for (const incident of incidents) {
      const { id } = incident;
      const isWaiting = this.#pauses.isOn(id) || this.#busy.has(id);
      if (isWaiting || !this.#deps.isLeading() || !this.#isAnythingDue(incident)) continue;
      this.#busy.set(
        id,
        this.#advanceOne(incident).finally(() => this.#busy.delete(id)),
      );
    }
  }

  /** Whether somebody has to lead for its sake: it is not over, ended a short time ago, changed, or something is due. */
  isNeededFor(incident: Incident): boolean {
    return this.#isAnythingDue(incident) || !isOld(this.#deps, incident);
  }

  /** Forgets what was shown: another process may have shown more since. */
  forget(): void {
    this.#memories.clear();
    this.#pauses.keepOnly(new Set());
  }

  async idle(): Promise<void> {
    await Promise.all(this.#busy.values());
  }

  /** Resolved ones are many: one that nothing is due for and that did not change costs nothing. */
  #isAnythingDue(incident: Incident): boolean {
    if (incident.state !== 'resolved' || isActDue(this.#deps, incident)) return true;
    const memory = this.#memoryOf(incident.id);
    const version = versionOf(incident);
    if (memory.shown === '' && isOld(this.#deps, incident)) memory.shown = version;
    return !memory.shown.startsWith(version);
  }

  async #advanceOne(incident: Incident): Promise<void> {
    const { id, state } = incident;
    const advance = state === 'resolved' ? advanceResolved : advanceOpen;
    try {
      const isDone = await advance(this.#deps, incident, this.#memoryOf(id));
      if (isDone) this.#pauses.end(id);
      else this.#pauses.begin(id);
    } catch (error) {
      this.#pauses.begin(id);
      this.#deps.onFault(`incident ${id}`, error);
    }
  }

  #memoryOf(id: string): IncidentMemory {
    const memory = this.#memories.get(id) ?? {
      shown: '',
      requestChanged: new Map(),
      checkedFor: '',
    };
    this.#memories.set(id, memory);
    return memory;
  }
}

function isOld({ clock }: AdvanceDeps, { closing, openedAt }: Incident): boolean {
  return hasPassed(clock, Date.parse(closing?.at ?? openedAt), shownAfterMs);
}

/** Where no pager takes it there is nobody to be told, and the asking has to end. */
function isPagerDue({ clock }: AdvanceDeps, incident: Incident): boolean {
  const endedMs = Date.parse(incident.closing?.at ?? incident.openedAt);
  return Math.abs(clock.now() - endedMs) < pagerToldWithinMs && whatToTell(incident) !== null;
}

function isActDue(parts: AdvanceDeps, incident: Incident): boolean {
  const { rules, clock } = parts;
  const { closing, reportedAt, checklistAskedAt, mergedInto } = incident;
  if (isPagerDue(parts, incident)) return true;
  // What became a part of another incident is reported there.
  if (mergedInto !== null) return false;
  if (reportedAt === null) return true;
  const endedMs = Date.parse(closing?.at ?? incident.openedAt);
  const isComplete = incident.checklist.length >= checklist.length;
  return (
    !isComplete && checklistAskedAt === null && hasPassed(clock, endedMs, rules.checklistAfterMs)
  );
}

async function advanceOpen(
  parts: AdvanceDeps,
  found: Incident,
  memory: IncidentMemory,
): Promise<boolean> {
  const { escalator, clock, isLeading } = parts;
  let incident = found;
  if (incident.silence !== null && incident.silence.until <= isoNow(clock)) {
    const decide = (now: Incident): Decision => endSilence(now, isoNow(clock));
    const ended = await changeIncident(parts, incident.id, decide);
    if (ended.ok) incident = ended.value;
  }
  const view = await readView(parts, incident);
  await recordRequestsAgain(parts, view, memory);
  checkSoon(parts, view, memory);
  if (!isLeading()) return true;
  show(parts, view, memory);
  await escalator.advance(view);
  return true;
}

/** False while something that is due could not be done, so that it is tried again later and not each second. */
async function advanceResolved(
  parts: AdvanceDeps,
  found: Incident,
  memory: IncidentMemory,
): Promise<boolean> {
  const { escalator, log, reporter, isLeading } = parts;
  // It was listed some seconds ago, and may be reported, or open again, since.
  const present = await log.readIncident(found.id);
  if (present?.state !== 'resolved') return true;
  const view = await readView(parts, present);
  await recordRequestsAgain(parts, view, memory);
  if (!isLeading()) return true;
  show(parts, view, memory);
  let incident = await escalator.advance(view);
  if (!isLeading() || !isActDue(parts, incident)) return true;
  if (incident.mergedInto === null) incident = await reporter.advance(incident);
  return !isActDue(parts, incident);
}

async function readView(parts: AdvanceDeps, incident: Incident): Promise<IncidentView> {
  const { log, monitor, latest, clock } = parts;
  const { target: name } = incident;
  const requests = await readRequestsOf(log, incident);
  const diagnosis = latest.get(name) ?? null;
  const target = monitor.targets.find((known) => known.name === name);
  const ineffective =
    target === undefined
      ? []
      : findIneffective({ requests, diagnosis, target, nowMs: clock.now() });
  return { incident, diagnosis, requests, ineffective };
}

/** A process that was killed between a request's change and its note left a gap: told here, it is told once. */
async function recordRequestsAgain(
  { incidents }: AdvanceDeps,
  { requests }: IncidentView,
  memory: IncidentMemory,
): Promise<void> {
  for (const request of requests) {
    if (memory.requestChanged.get(request.id) === request.version) continue;
    await incidents.requestChanged(request);
  }
  memory.requestChanged = new Map(requests.map(({ id, version }) => [id, version]));
}

/** An incident without a check, a new alert, and a remedy that ended: each is a reason not to wait for the next one. */
function checkSoon({ watch }: AdvanceDeps, view: IncidentView, memory: IncidentMemory): void {
  const { incident, requests } = view;
  const ended = requests.filter(({ result }) => result !== null).length;
  const reasons = `${incident.triggers.length} ${incident.reopenedAt.length} ${ended}`;
  if (memory.checkedFor === reasons) return;
  memory.checkedFor = reasons;
  // It never rejects; what it saw comes with the next round.
  void watch.soon(incident.target);
}

function show({ board }: AdvanceDeps, view: IncidentView, memory: IncidentMemory): void {
  const shown = [
    versionOf(view.incident),
    view.diagnosis?.takenAt ?? '',
    ...view.requests.map(({ id, version }) => `${id} ${version}`),
    ...view.ineffective.map(({ sentence }) => sentence),
  ].join('\n');
  if (shown === memory.shown) return;
  memory.shown = shown;
  board.show(view);
}

function versionOf({ version }: Incident): string {
  return `version ${version}\n`;
}
