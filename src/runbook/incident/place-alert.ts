import type { Target } from '../snapshot/target.ts';

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
  const ofProject = targets.filter(({ composeProject }) => composeProject === project);
  if (project !== undefined && ofProject.length > 0) {
    return (
      only(ofProject) ?? (service === undefined ? undefined : only(having(ofProject, service)))
    );
  }
  // A project that no target has contradicts those that have another one.
  const left = targets.filter(
    ({ composeProject }) => project === undefined || composeProject === undefined,
  );
  const named = [service, ...namingLabels.map((label) => labels[label])].filter(isText);
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
