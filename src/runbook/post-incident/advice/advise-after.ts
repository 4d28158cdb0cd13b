import type { Request } from '../../approval/request.ts';
import type { CauseName } from '../../diagnose/diagnosis.ts';
import type { Trouble } from '../../diagnose/troubles.ts';
import type { Incident } from '../../incident/incident.ts';
import type { Target } from '../../target.ts';
import type { KeptExamination } from '../read-examinations.ts';
import type { PreventionCheck } from '../prevention.ts';
import type { Advice, IncidentReport } from '../report.ts';
import { adviseByCause } from './by-cause.ts';
import { toGround } from './ground.ts';
import { adviseMaxConnections } from './max-connections.ts';
import { advisePooler, advisePools } from './pools.ts';
import { readRests } from './rests.ts';
import { checkServiceSettings } from './service-settings.ts';
import { adviseThresholds } from './thresholds.ts';
import { adviseSessionRest, adviseTransactionRest } from './timeouts.ts';

interface Night {
  readonly incident: Incident;
  readonly requests: readonly Request[];
  readonly target: Target;
  readonly examinations: readonly KeptExamination[];
  readonly graph: IncidentReport['graph'];
  /** What the incident is put down to. */
  readonly cause: CauseName | Trouble | null;
}

/** What would have prevented an incident, from its own figures where they say it; the surest advice first. */
export function adviseAfter(night: Night): Advice[] {
  const computed = fromFigures(night);
  return [...computed, ...adviseByCause(night.cause, computed)];
}

function fromFigures(night: Night): Advice[] {
  const { incident, requests, target, examinations, graph } = night;
  const thresholds = adviseThresholds(graph, incident.openedAt, target.limits);
  const worst = findWorst(examinations);
  if (worst === undefined) return thresholds;
  const ground = toGround(target, worst);
  const { limits } = target;
  const rests = readRests(examinations, requests, { limits, byMs: shortAt(night) });
  return [
    ...adviseTransactionRest(ground, rests, neededSlots(night)),
    ...adviseSessionRest(ground),
    ...advisePools(ground),
    ...advisePooler(ground),
    ...adviseMaxConnections(ground),
    ...checkServiceSettings(ground).filter(isAdvice).map(toAdvice),
    ...thresholds,
  ];
}

/** The fullest look that was kept whole. */
function findWorst(examinations: readonly KeptExamination[]): KeptExamination | undefined {
  return examinations.toSorted(
    (a, b) => (b.diagnosis.capacity?.used ?? -1) - (a.diagnosis.capacity?.used ?? -1),
  )[0];
}

/** When slots ran short: the first figure over the critical line, or else the opening. */
function shortAt({ graph, incident, target }: Night): number {
  const { criticalUtilisation } = target.limits;
  const short = graph.find(({ used, usable }) => used >= usable * criticalUtilisation);
  return Date.parse(short?.at ?? incident.openedAt);
}

/** How many slots fewer would have kept it below the warning line. */
function neededSlots({ incident: { peak }, target }: Night): number {
  if (peak === null) return 1;
  return Math.max(1, Math.ceil(peak.used - peak.usable * target.limits.warningUtilisation));
}

function isAdvice({ state }: PreventionCheck): boolean {
  return state === 'advice';
}

function toAdvice({ setting, now, better, because, command }: PreventionCheck): Advice {
  return { setting, now, better, because, ...(command !== undefined && { command }) };
}
