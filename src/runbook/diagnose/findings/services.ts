import type { Finding } from '../diagnosis.ts';
import type { Evidence } from '../evidence.ts';
import type { Problem, ReplicaReading, ServiceReading } from '../../snapshot/snapshot.ts';
import { cleanUntrusted } from '../untrusted.ts';
import { count } from '../../snapshot/words.ts';

/** A container that was restarted so often has no single accident behind it. */
const manyRestarts = 3;

/** The containers: whether they can be seen, and whether they are well. */
export function findInServices({ snapshot, services }: Evidence): Finding[] {
  if (!snapshot.services.ok) return unread(snapshot.services.problem);
  return services.flatMap((service) =>
    service.problem === undefined ? judge(service) : [missing(service.name, service.problem)],
  );
}

function unread({ kind, summary, fix }: Problem): Finding[] {
  if (kind === 'not-configured') return [];
  const ids: Partial<Record<Problem['kind'], string>> = {
    missing: 'docker-missing',
    forbidden: 'docker-forbidden',
  };
  return [
    {
      id: ids[kind] ?? 'services-unread',
      severity: 'warning',
      summary:
        kind === 'forbidden'
          ? 'Docker does not let dbconn see the containers.'
          : 'The containers could not be read.',
      evidence: [cleanUntrusted(summary, 300)],
      ...(fix !== undefined && { fix }),
    },
  ];
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
  const sick: readonly [string, string, (replica: ReplicaReading) => boolean][] = [
    ['replica-crash-looping', 'restarted again and again', isLooping],
    ['replica-down', 'not running', ({ state }) => state !== 'running' && state !== 'restarting'],
    [
      'replica-unhealthy',
      'unhealthy',
      ({ health, state }) => health === 'unhealthy' && state === 'running',
    ],
    ['replica-out-of-memory', 'killed for want of memory', ({ oomKilled }) => oomKilled],
  ];
  return sick.flatMap(([id, word, fits]) => {
    const found = replicas.filter(fits);
    if (found.length === 0) return [];
    return [
      {
        id,
        severity: 'warning' as const,
        summary: `${count(found.length, 'replica')} of ${name} (of ${replicas.length}) ${found.length === 1 ? 'is' : 'are'} ${word}.`,
        figure: { value: found.length, unit: 'replicas' },
        evidence: found.slice(0, 5).map(describe),
        fix: `Read the logs of ${name}.`,
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
