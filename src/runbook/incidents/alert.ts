import { z } from 'zod';
import { Severity } from '../diagnose/diagnosis.ts';
import { hashJson } from '../remedies/plan.ts';
import type { Target } from '../snapshot/target.ts';
import { toDraft } from './incident-log.ts';
import type { IncidentDeps, IncidentLog } from './incident-log.ts';
import type { Trigger } from './incident.ts';

/** One alert of Alertmanager's or Grafana's webhook, told apart from the group it came in. Label values are untrusted text. */
export const Alert = z.strictObject({
  status: z.enum(['firing', 'resolved']),
  name: z.string(),
  fingerprint: z.string(),
  /** UTC ISO text. Fingerprint and start together name one firing, however often it is told. */
  startsAt: z.string(),
  /** Null while it fires. */
  endsAt: z.string().nullable(),
  labels: z.record(z.string(), z.string()),
});
export type Alert = z.infer<typeof Alert>;

/** What Grafana sends in place of a rule that has no data or fails; `rulename` is that rule (Grafana documentation, "No data and error alerts"). */
const insteadOfRule = new Set(['DatasourceNoData', 'DatasourceError']);

/** The name of the rule an alert is about: its own, unless Grafana sent it in place of another one. */
export function ruleNameOf({ name, labels }: Pick<Alert, 'name' | 'labels'>): string {
  return insteadOfRule.has(name) ? labels['rulename'] || name : name;
}

/** Its severity in any case, such as `Critical`; undefined where the label is missing, `unknown` for another word. */
export function severityOf({ labels }: Pick<Alert, 'labels'>): Severity | 'unknown' | undefined {
  const word = labels['severity']?.trim().toLowerCase() ?? '';
  if (word === '') return undefined;
  return Severity.safeParse(word).data ?? 'unknown';
}

/** What became of an alert. `known`: it was told before, and nothing changed. */
export type AlertOutcome =
  | { readonly kind: 'opened' | 'joined' | 'known'; readonly incident: string }
  /** Its name is not one that dbconn minds, or it was over before an incident knew it. */
  | { readonly kind: 'ignored' }
  /** No target fits its labels: said in the channel once. */
  | { readonly kind: 'unplaced' };

type Firing = Extract<Trigger, { kind: 'alert' }>;

/**
 * Keeps that a firing is over which no incident knows: its beginning may come after its end, from another of several
 * Alertmanagers or after a retry, and would open an incident that nobody ends. Throws JournalUnavailable.
 */
export async function keepEnd(
  log: Pick<IncidentDeps['log'], 'record' | 'readNotes'>,
  firing: Firing,
): Promise<void> {
  if (await hasEnded(log, firing)) return;
  const facts = { alert: { ...firing } };
  await log.record(
    toDraft(await keyOf(firing), { kind: 'incident-alert-ended', sentence: null, facts }),
  );
}

/** Whether it was kept as over. What began again begins at another time, and is another one. */
export async function hasEnded(
  log: Pick<IncidentLog, 'readNotes'>,
  firing: Firing,
): Promise<boolean> {
  return (await log.readNotes(await keyOf(firing), 0)).length > 0;
}

/** Names no incident: their ids begin with `inc-`. */
async function keyOf({ fingerprint, startsAt }: Firing): Promise<string> {
  return `ended-${(await hashJson([fingerprint, startsAt])).slice(0, 16)}`;
}

type Labels = Readonly<Record<string, string>>;

/** As Prometheus's file, Docker's own discovery and cAdvisor spell compose's labels. */
const projectLabels = [
  'compose_project',
  'com_docker_compose_project',
  'container_label_com_docker_compose_project',
] as const;
const serviceLabels = [
  'compose_service',
  'com_docker_compose_service',
  'container_label_com_docker_compose_service',
] as const;
/** What may name a target, its services or its server. */
const namingLabels = ['service', 'instance', 'server', 'job'] as const;

/**
 * The target an alert is about: by the labels configured for it, else by compose's labels, else by names. Undefined
 * when none fits or several do: a wrong incident at night is worse than a sentence that asks for a mapping.
 */
export function placeAlert(labels: Labels, targets: readonly Target[]): Target | undefined {
  const mapped = targets.filter(({ alertLabels = [] }) =>
    alertLabels.some((expected) => holdsAll(labels, expected)),
  );
  if (mapped.length > 0) return only(mapped);
  const project = firstOf(labels, projectLabels);
  const service = firstOf(labels, serviceLabels);
  const named = [service, ...namingLabels.map((label) => labels[label])].filter(isText);
  const ofProject = targets.filter(({ composeProject }) => composeProject === project);
  if (project !== undefined && ofProject.length > 0) {
    // Two engines may have a project of one name: then what else the labels name has to tell.
    const ofService = service === undefined ? [] : having(ofProject, service);
    return only(ofProject) ?? only(ofService) ?? byNames(ofProject, named.flatMap(namesIn));
  }
  // A project that no target has contradicts those that have another one.
  const left = targets.filter(
    ({ composeProject }) => project === undefined || composeProject === undefined,
  );
  if (named.length === 0 && project === undefined) return only(targets);
  return byNames(left, named.flatMap(namesIn));
}

function byNames(targets: readonly Target[], names: readonly string[]): Target | undefined {
  const own = targets.filter(({ name }) => names.includes(name));
  if (own.length > 0) return only(own);
  return only(targets.filter((target) => names.some((name) => servicesOf(target).includes(name))));
}

function having(targets: readonly Target[], service: string): Target[] {
  return targets.filter((target) => servicesOf(target).includes(service));
}

function servicesOf({ services, postgresService }: Target): string[] {
  const names = services.map(({ name }) => name);
  return postgresService === undefined ? names : [...names, postgresService];
}

function holdsAll(labels: Labels, expected: Labels): boolean {
  const entries = Object.entries(expected);
  return entries.length > 0 && entries.every(([name, value]) => labels[name] === value);
}

function firstOf(labels: Labels, names: readonly string[]): string | undefined {
  return names.map((name) => labels[name]).find(isText);
}

/** `orders-db:9187` names orders-db as well. */
function namesIn(value: string): string[] {
  const host = value.replace(/:\d+$/, '');
  return host === value ? [value] : [value, host];
}

function isText(value: string | undefined): value is string {
  return value !== undefined && value !== '';
}

function only(targets: readonly Target[]): Target | undefined {
  return targets.length === 1 ? targets[0] : undefined;
}
