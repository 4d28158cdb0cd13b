import type { Change } from '../../snapshot/readings.ts';
import { cleanUntrusted } from '../../snapshot/redaction/redact-text.ts';
import type { Problem, ReplicaReading, ServiceReading } from '../../snapshot/snapshot.ts';
import { count, durationOfSeconds, list } from '../../snapshot/words.ts';
import type { Overlap } from '../deploys.ts';
import type { Finding } from '../diagnosis.ts';
import type { Evidence } from '../evidence.ts';
import { pressureOf } from '../summarise.ts';

/** Old and new replicas at once, and what changed just before. */
export function findInDeploys(evidence: Evidence): Finding[] {
  const { overlaps, capacity, target } = evidence;
  const pressure = pressureOf(capacity, target.limits);
  const shown = overlaps.filter(({ certain }) => certain || pressure !== 'none');
  return [
    ...shown.map((overlap): Finding => ({
      ...describeDeploy(overlap),
      severity: pressure === 'none' ? 'info' : 'warning',
    })),
    ...changed(evidence),
  ];
}

function describeDeploy({ service, older, newer, certain }: Overlap): Omit<Finding, 'severity'> {
  const names = older.slice(0, 5).map(({ name }) => cleanUntrusted(name, 60));
  return {
    id: 'deploy-overlap',
    summary: `${count(older.length, 'old replica')} and ${count(newer.length, 'new replica')} of ${service} run at the same time, each with its own pools.`,
    figure: { value: older.length + newer.length, unit: 'replicas' },
    evidence: [
      certain
        ? 'Their images or names differ: a deploy is in progress.'
        : 'They started minutes apart: a deploy in progress, or replicas that were added.',
      ...[...older, ...newer].slice(0, 10).map(began),
    ],
    fix: `Wait for the deploy to finish, or stop the old replicas: docker stop ${names.join(' ')}. Do not change pools until then.`,
  };
}

function began({ name, startedAt, imageId }: ReplicaReading): string {
  const image = imageId === undefined ? '' : `, image ${imageId}`;
  return cleanUntrusted(`${name}: started ${startedAt ?? 'at an unknown time'}${image}`, 200);
}

function changed({ snapshot }: Evidence): Finding[] {
  const changes = snapshot.changes ?? [];
  if (changes.length === 0) return [];
  const services = list([...new Set(changes.map(({ service }) => service))]);
  return [
    {
      id: 'recent-changes',
      severity: 'info',
      summary: `Changed in the last hour: ${services}.`,
      figure: { value: changes.length, unit: 'changes' },
      evidence: changes.map((change) => {
        const age = (Date.parse(snapshot.takenAt) - Date.parse(change.at)) / 1_000;
        return `${durationOfSeconds(Math.max(0, age))} ago: ${describeChange(change)}`;
      }),
    },
  ];
}

/** `backend: changed values of DATABASE_POOL_SIZE.` Never a value. */
export function describeChange(change: Change): string {
  const { service, kind, from = '', to = '', names = [] } = change;
  switch (kind) {
    case 'image':
      return `${service}: image changed from ${cleanUntrusted(from, 20)} to ${cleanUntrusted(to, 20)}.`;
    case 'variables':
      return `${service}: changed values of ${cleanUntrusted(list(names), 500)}.`;
    case 'replicas':
      return `${service}: replicas changed from ${from} to ${to}.`;
    case 'started':
    default:
      return `${service}: ${count(Number(to), 'replica')} started.`;
  }
}

/** A container that was restarted so often has no single accident behind it. */
const manyRestarts = 3;

/** The containers: whether they can be seen, and whether they are well. */
export function findInServices({ snapshot, services }: Evidence): Finding[] {
  if (!snapshot.services.ok) {
    const { problem } = snapshot.services;
    return unread({ severity: 'warning', ...aboutContainers(problem.kind) }, problem);
  }
  return services.flatMap((service) =>
    service.problem === undefined ? judge(service) : [missing(service.name, service.problem)],
  );
}

function missing(name: string, { summary, fix }: Problem): Finding {
  return {
    id: 'service-unread',
    severity: 'warning',
    summary: `The containers of ${name} could not be read.`,
    evidence: [cleanUntrusted(summary, 300)],
    ...(fix !== undefined && { fix }),
  };
}

function judge({ name, replicas }: ServiceReading): Finding[] {
  const sick: readonly [
    id: string,
    one: string,
    many: string,
    fits: (replica: ReplicaReading) => boolean,
  ][] = [
    ['replica-crash-looping', 'restarts repeatedly', 'restart repeatedly', isLooping],
    [
      'replica-down',
      'is not running',
      'are not running',
      ({ state }) => state !== 'running' && state !== 'restarting',
    ],
    [
      'replica-unhealthy',
      'is unhealthy',
      'are unhealthy',
      ({ health, state }) => health === 'unhealthy' && state === 'running',
    ],
    [
      'replica-out-of-memory',
      'ran out of memory',
      'ran out of memory',
      ({ oomKilled }) => oomKilled,
    ],
  ];
  return sick.flatMap(([id, one, many, fits]) => {
    const found = replicas.filter(fits);
    if (found.length === 0) return [];
    return [
      {
        id,
        severity: 'warning' as const,
        summary: `${found.length} of ${count(replicas.length, 'replica')} of ${name} ${found.length === 1 ? one : many}.`,
        figure: { value: found.length, unit: 'replicas' },
        evidence: found.slice(0, 5).map(describe),
        fix: `Check the logs of ${name}.`,
      },
    ];
  });
}

function isLooping({ state, restarts }: ReplicaReading): boolean {
  return state === 'restarting' || restarts >= manyRestarts;
}

function describe({ name, state, health, restarts, exitCode }: ReplicaReading): string {
  const exit = exitCode === null || exitCode === 0 ? '' : `, exit code ${exitCode}`;
  return cleanUntrusted(`${name}: ${state}, ${health}, ${count(restarts, 'restart')}${exit}`, 200);
}

function aboutContainers(kind: Problem['kind']): Pick<Finding, 'id' | 'summary'> {
  if (kind === 'forbidden') {
    return { id: 'docker-forbidden', summary: 'Docker does not let dbconn see the containers.' };
  }
  const id = kind === 'missing' ? 'docker-missing' : 'services-unread';
  return { id, summary: 'The containers could not be read.' };
}

/** What could not be read and so is missing from the evidence; nothing where nobody configured it. */
export function unread(
  about: Pick<Finding, 'id' | 'severity' | 'summary'>,
  { kind, summary, fix }: Problem,
): Finding[] {
  if (kind === 'not-configured') return [];
  const evidence = [cleanUntrusted(summary, 300)];
  return [{ ...about, evidence, ...(fix !== undefined && { fix }) }];
}
