import { isoNow } from '../approval/iso-now.ts';
import { whatToTell } from '../escalate/keep-pager.ts';
import { checklist } from '../post-incident/checklist.ts';
import { hasPassed, uptimeOf } from '../uptime.ts';
import type { AttendanceParts } from './attendance-parts.ts';
import { readRequestsOf } from './belongs.ts';
import { findUseless } from './find-useless.ts';
import type { Incident } from './incident.ts';
import type { IncidentView } from './incidents.ts';
import type { Latest } from './latest.ts';
import { endSilence } from './silence.ts';
import type { Watch } from './watch.ts';

/** Attends to incidents, each by itself: one that fails or is slow never holds up another. */
interface Bedside {
  /** Begins what is to be done now, and returns at once. */
  attend(incidents: readonly Incident[]): void;
  /** Forgets what was shown: another process may have shown more since. */
  forget(): void;
  idle(): Promise<void>;
}

interface BedsideParts extends AttendanceParts {
  readonly latest: Latest;
  readonly watch: Pick<Watch, 'soon'>;
  readonly isTending: () => boolean;
}

/** After a restart older ones are not shown again: nothing about them changes by itself. */
const shownAfterMs = 15 * 60_000;
const longestPauseMs = 60_000;
const pagerToldWithinMs = 86_400_000;

/** What is remembered of an incident between two rounds. */
interface Chart {
  shown: string;
  heard: ReadonlyMap<string, number>;
  looked: string;
  failures: number;
  notBeforeMs: number;
}

export function createBedside(parts: BedsideParts): Bedside {
  const { clock, onFault, isTending } = parts;
  const charts = new Map<string, Chart>();
  const busy = new Map<string, Promise<void>>();
  const chartOf = (id: string): Chart => {
    const chart = charts.get(id) ?? newChart();
    charts.set(id, chart);
    return chart;
  };
  const attendOne = async (incident: Incident, chart: Chart): Promise<void> => {
    try {
      const isDone = await (incident.state === 'resolved' ? attendPast : attendOpen)(
        parts,
        incident,
        chart,
      );
      chart.failures = isDone ? 0 : chart.failures + 1;
    } catch (error) {
      chart.failures += 1;
      onFault(`incident ${incident.id}`, error);
    }
    const pauseMs = chart.failures === 0 ? 0 : Math.min(longestPauseMs, 1000 * 2 ** chart.failures);
    chart.notBeforeMs = uptimeOf(clock) + pauseMs;
  };
  return {
    attend(incidents) {
      const present = new Set(incidents.map(({ id }) => id));
      for (const id of charts.keys()) if (!present.has(id)) charts.delete(id);
      for (const incident of incidents) {
        const chart = chartOf(incident.id);
        const isPaused = chart.notBeforeMs > uptimeOf(clock);
        if (isPaused || busy.has(incident.id) || !isTending()) continue;
        if (!owesSomething(parts, incident, chart)) continue;
        const attended = attendOne(incident, chart).finally(() => busy.delete(incident.id));
        busy.set(incident.id, attended);
      }
    },
    forget: () => charts.clear(),
    idle: async () => void (await Promise.all(busy.values())),
  };
}

function newChart(): Chart {
  return { shown: '', heard: new Map(), looked: '', failures: 0, notBeforeMs: 0 };
}

/** Resolved ones are many: one that owes nothing and did not change costs nothing. */
function owesSomething(parts: BedsideParts, incident: Incident, chart: Chart): boolean {
  if (incident.state !== 'resolved') return true;
  if (owesAct(parts, incident)) return true;
  const endedMs = Date.parse(incident.closing?.at ?? incident.openedAt);
  const version = versionOf(incident);
  const isOld = Math.abs(parts.clock.now() - endedMs) > shownAfterMs;
  if (chart.shown === '' && isOld) chart.shown = version;
  return !chart.shown.startsWith(version);
}

/** Where no pager takes it there is nobody to be told, and the asking has to end. */
function owesPager({ clock }: BedsideParts, incident: Incident): boolean {
  const endedMs = Date.parse(incident.closing?.at ?? incident.openedAt);
  return Math.abs(clock.now() - endedMs) < pagerToldWithinMs && whatToTell(incident) !== null;
}

function owesAct(parts: BedsideParts, incident: Incident): boolean {
  const { rules, clock } = parts;
  const { closing, reportedAt, checklistAskedAt, mergedInto } = incident;
  if (owesPager(parts, incident)) return true;
  // What became a part of another incident is reported there.
  if (mergedInto !== null) return false;
  if (reportedAt === null) return true;
  const endedMs = Date.parse(closing?.at ?? incident.openedAt);
  const isComplete = incident.checklist.length >= checklist.length;
  return (
    !isComplete && checklistAskedAt === null && hasPassed(clock, endedMs, rules.checklistAfterMs)
  );
}

async function attendOpen(parts: BedsideParts, found: Incident, chart: Chart): Promise<boolean> {
  const { caller, clock, isTending } = parts;
  let incident = found;
  if (incident.silence !== null && incident.silence.until <= isoNow(clock)) {
    const ended = await endSilence(parts, incident.id);
    if (ended.ok) incident = ended.value;
  }
  const view = await readView(parts, incident);
  await hearAgain(parts, view, chart);
  lookSoon(parts, view, chart);
  if (!isTending()) return true;
  show(parts, view, chart);
  await caller.attend(view);
  return true;
}

/** False while something that is due could not be done, so that it is tried again later and not each second. */
async function attendPast(parts: BedsideParts, found: Incident, chart: Chart): Promise<boolean> {
  const { caller, log, reporter, isTending } = parts;
  // It was listed some seconds ago, and may be reported, or open again, since.
  const present = await log.readIncident(found.id);
  if (present?.state !== 'resolved') return true;
  const view = await readView(parts, present);
  await hearAgain(parts, view, chart);
  if (!isTending()) return true;
  show(parts, view, chart);
  let incident = await caller.attend(view);
  if (!isTending() || !owesAct(parts, incident)) return true;
  if (incident.mergedInto === null) incident = await reporter.attend(incident);
  return !owesAct(parts, incident);
}

async function readView(parts: BedsideParts, incident: Incident): Promise<IncidentView> {
  const { log, runbook, latest, clock } = parts;
  const { target: name } = incident;
  const requests = await readRequestsOf(log, incident);
  const diagnosis = latest.of(name);
  const target = runbook.targets.find((known) => known.name === name);
  const useless =
    target === undefined ? [] : findUseless({ requests, diagnosis, target, nowMs: clock.now() });
  return { incident, diagnosis, requests, useless };
}

/** A process that was killed between a request's change and its note left a gap: told here, it is told once. */
async function hearAgain(
  { incidents }: BedsideParts,
  { requests }: IncidentView,
  chart: Chart,
): Promise<void> {
  for (const request of requests) {
    if (chart.heard.get(request.id) === request.version) continue;
    await incidents.heard(request);
  }
  chart.heard = new Map(requests.map(({ id, version }) => [id, version]));
}

/** An incident without a look, a new alert, and a remedy that ended: each is a reason not to wait for the next one. */
function lookSoon({ watch }: BedsideParts, view: IncidentView, chart: Chart): void {
  const { incident, requests } = view;
  const ended = requests.filter(({ result }) => result !== null).length;
  const reasons = `${incident.triggers.length} ${incident.reopenedAt.length} ${ended}`;
  if (chart.looked === reasons) return;
  chart.looked = reasons;
  // It never rejects; what it saw comes with the next round.
  void watch.soon(incident.target);
}

function show({ board }: BedsideParts, view: IncidentView, chart: Chart): void {
  const shown = [
    versionOf(view.incident),
    view.diagnosis?.takenAt ?? '',
    ...view.requests.map(({ id, version }) => `${id} ${version}`),
    ...view.useless.map(({ sentence }) => sentence),
  ].join('\n');
  if (shown === chart.shown) return;
  chart.shown = shown;
  board.show(view);
}

function versionOf({ version }: Incident): string {
  return `version ${version}\n`;
}
