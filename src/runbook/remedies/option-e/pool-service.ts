import type { ReplicaReading, Snapshot } from '../../diagnose/snapshot.ts';
import type { Target } from '../../target.ts';
import { done, refuse } from '../remedy.ts';
import type { Answer } from '../remedy.ts';

interface Site {
  readonly target: Target;
  readonly refusedServices: readonly string[];
}

/** Only what is configured, and never what dbconn stands on. */
export function mayResize({ target, refusedServices }: Site, name: string): Answer<null> {
  if (name === target.postgresService) {
    const next = 'More slots for everybody are option B.';
    return refuse('postgres', 'PostgreSQL has no pool of this kind.', next);
  }
  if (refusedServices.includes(name)) {
    const next = 'Change it by hand if you must.';
    return refuse('own-service', 'dbconn does not change what it runs on itself.', next);
  }
  const names = target.services.map((service) => service.name);
  if (names.includes(name)) return done(null);
  const next =
    names.length === 0 ? 'List services in dbconn.yml.' : `The services are: ${names.join(', ')}.`;
  return refuse('unknown-service', 'There is no configured service of that name.', next);
}

/** Its containers; every one of them must have been seen, or the plan would leave one with the old numbers. */
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
