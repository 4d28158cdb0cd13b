import type { IncidentView } from '../incidents/incidents.ts';
import type { Page } from '../escalation/pager.ts';
import type { Links } from '../snapshot/target.ts';
import type { EscalationReason } from './policy.ts';
import { toSummary } from './wording.ts';

/** What an incident is for the pager. */
interface PageParts {
  readonly view: IncidentView;
  readonly links: Links;
  readonly reasons: readonly EscalationReason[];
  readonly nowMs: number;
}

/** One key for an incident in all its lives: what is triggered after a resolution opens anew by itself. */
export function toPage(action: Page['action'], { view, links, reasons, nowMs }: PageParts): Page {
  const { incident, diagnosis } = view;
  const verdict = diagnosis?.verdict ?? incident.last?.verdict;
  return {
    action,
    key: `dbconn/${incident.target}/${incident.id}`,
    target: incident.target,
    severity: incident.severity,
    summary: toSummary(view),
    at: new Date(nowMs).toISOString(),
    details: {
      ...(verdict !== undefined && { diagnosis: verdict }),
      ...Object.fromEntries(reasons.map(({ name, sentence }) => [name, sentence])),
    },
    links: toLinks(links),
  };
}

function toLinks({ dashboard, guides }: Links): Page['links'] {
  return [...(dashboard === undefined ? [] : [{ title: 'Dashboard', url: dashboard }]), ...guides];
}
