import { durationOfSeconds } from '../runbook/snapshot/words.ts';
import { causeOf } from '../runbook/incident/chief-look.ts';
import type { Incident } from '../runbook/incident/incident.ts';
import { toTable, wrap } from './render/layout.ts';
import type { Column, Paint } from './render/layout.ts';
import { withoutMentions } from './render-plan.ts';

const incidentColumns: readonly Column[] = [
  { title: 'incident', width: 14 },
  { title: 'target', width: 12 },
  { title: 'opened (UTC)', width: 18 },
  { title: 'lasted', width: 12 },
  { title: 'state', width: 10 },
  { title: 'what', width: 32 },
];

interface Listing {
  readonly title: string;
  /** What stands there when there is none. */
  readonly none: string;
  readonly nowMs: number;
  readonly paint: Paint;
}

/** Incidents as a table, in the order given. */
export function renderIncidents(
  incidents: readonly Incident[],
  { title, none, nowMs, paint }: Listing,
): string {
  if (incidents.length === 0) return none;
  const rows = incidents.map((incident) => [
    incident.id,
    incident.target,
    incident.openedAt.slice(0, 16).replace('T', ' '),
    durationOfSeconds((endOf(incident, nowMs) - Date.parse(incident.openedAt)) / 1000),
    incident.state,
    toWhat(incident),
  ]);
  return [paint('bold', title), toTable(incidentColumns, rows)].join('\n');
}

/** One that was just opened, or joined. */
export function renderOpened({ id, target, openedAt }: Incident): string {
  return wrap(
    `Incident ${id} of ${target} is open since ${openedAt}. The bot that shares this journal tends it: it looks, tells the channel, and calls whom the policy names.`,
  );
}

function endOf({ closing }: Incident, nowMs: number): number {
  return closing === null ? nowMs : Date.parse(closing.at);
}

function toWhat(incident: Incident): string {
  const { last, first, mergedInto, assignee } = incident;
  if (mergedInto !== null) return `part of ${mergedInto}`;
  const latest = last ?? first;
  const cause = causeOf(incident);
  const holder = assignee === null ? '' : `, ${withoutMentions(assignee.by.id)} has it`;
  const what = cause?.replaceAll('-', ' ') ?? latest?.headline ?? 'not looked at yet';
  return `${what}${holder}`;
}
