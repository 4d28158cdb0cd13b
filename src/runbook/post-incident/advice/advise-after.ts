import type { ApprovalRequest } from '../../approval/request.ts';
import type { CauseName } from '../../diagnose/diagnosis.ts';
import type { Trouble } from '../../diagnose/troubles.ts';
import type { Incident } from '../../incident/incident.ts';
import type { Target } from '../../snapshot/target.ts';
import type { KeptCheck } from '../read-examinations.ts';
import type { PreventionCheck } from '../prevention.ts';
import type { Advice, IncidentReport } from '../report.ts';
import { adviseByCause } from './by-cause.ts';
import { toAdviceInput } from './ground.ts';
import { adviseMaxConnections } from './max-connections.ts';
import { advisePooler, advisePools } from './pools.ts';
import { readIdleSpans } from './rests.ts';
import { checkServiceSettings } from './service-settings.ts';
import { adviseThresholds } from './thresholds.ts';
import { adviseSessionTimeout, adviseTransactionTimeout } from './timeouts.ts';

interface AdviceEvidence {
  readonly incident: Incident;
  readonly requests: readonly ApprovalRequest[];
  readonly target: Target;
  readonly checks: readonly KeptCheck[];
  readonly graph: IncidentReport['graph'];
  /** What the incident is put down to. */
  readonly cause: CauseName | Trouble | null;
}

/** What would have prevented an incident, from its own figures where they say it; the surest advice first. */
export function adviseAfter(evidence: AdviceEvidence): Advice[] {
  const computed = fromFigures(evidence);
  return [...computed, ...adviseByCause(evidence.cause, computed)];
}

function fromFigures(evidence: AdviceEvidence): Advice[] {
  const { incident, requests, target, checks, graph } = evidence;
  const thresholds = adviseThresholds(graph, incident.openedAt, target.limits);
  const peakCheck = findPeakCheck(checks);
  if (peakCheck === undefined) return thresholds;
  const input = toAdviceInput(target, peakCheck);
  const { limits } = target;
  const idleSpans = readIdleSpans(checks, requests, { limits, byMs: shortAt(evidence) });
  return [
    ...adviseTransactionTimeout(input, idleSpans, neededSlots(evidence)),
    ...adviseSessionTimeout(input),
    ...advisePools(input),
    ...advisePooler(input),
    ...adviseMaxConnections(input),
    ...checkServiceSettings(input).filter(isAdvice).map(toAdvice),
    ...thresholds,
  ];
}

/** The fullest look that was kept whole. */
function findPeakCheck(checks: readonly KeptCheck[]): KeptCheck | undefined {
  return checks.toSorted(
    (a, b) => (b.diagnosis.capacity?.used ?? -1) - (a.diagnosis.capacity?.used ?? -1),
  )[0];
}

/** When slots ran short: the first figure over the critical line, or else the opening. */
function shortAt({ graph, incident, target }: AdviceEvidence): number {
  const { criticalUtilisation } = target.limits;
  const short = graph.find(({ used, usable }) => used >= usable * criticalUtilisation);
  return Date.parse(short?.at ?? incident.openedAt);
}

/** How many slots fewer would have kept it below the warning line. */
function neededSlots({ incident: { peak }, target }: AdviceEvidence): number {
  if (peak === null) return 1;
  return Math.max(1, Math.ceil(peak.used - peak.usable * target.limits.warningUtilisation));
}

function isAdvice({ state }: PreventionCheck): boolean {
  return state === 'advice';
}

function toAdvice({ setting, now, better, because, command }: PreventionCheck): Advice {
  return { setting, now, better, because, ...(command !== undefined && { command }) };
}
