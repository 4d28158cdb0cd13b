import type { ReplicaReading, Snapshot } from '../snapshot/snapshot.ts';
import type { ServiceConfig, Target } from '../snapshot/target.ts';
import { done, refuse } from './remedy.ts';
import type { Answer } from './remedy.ts';

/** Only a service that dbconn.yml names is ever touched. */
export function findService({ services }: Target, name: string): Answer<ServiceConfig> {
  const service = services.find((candidate) => candidate.name === name);
  if (service !== undefined) return done(service);
  const names = services.map((candidate) => candidate.name).join(', ');
  const next = names === '' ? 'List services in dbconn.yml.' : `The services are: ${names}.`;
  return refuse('unknown-service', 'There is no configured service of that name.', next);
}

/** Its containers by number; every one of them must have been seen, or a plan would leave one out. */
export function readReplicas(
  { services }: Snapshot,
  name: string,
): Answer<readonly ReplicaReading[]> {
  const fallback = 'See /dbconn doctor.';
  const found = services.ok
    ? services.value.services.find((service) => service.name === name)
    : undefined;
  const problem = services.ok ? found?.problem : services.problem;
  if (problem !== undefined) {
    return refuse('containers-unread', problem.summary, problem.fix ?? fallback);
  }
  if (found !== undefined && found.replicas.length > 0) {
    return done(found.replicas.toSorted((a, b) => a.number - b.number));
  }
  return refuse('no-containers', `No container of the service ${name} was found.`, fallback);
}

/** A restart, or a container made anew, would start what somebody stopped on purpose. */
export function whyNotRunning({ state }: Pick<ReplicaReading, 'state'>): string | undefined {
  return state === 'running' || state === 'restarting' ? undefined : 'it is not running';
}
