import type { ServiceConfig, Target } from '../../snapshot/target.ts';
import { refuse } from '../remedy.ts';
import type { Answer } from '../remedy.ts';
import { findService } from '../service-replicas.ts';

interface ServiceRules {
  readonly target: Target;
  readonly refusedServices: readonly string[];
}

/** Only what is configured, and never what dbconn stands on. */
export function mayResize(
  { target, refusedServices }: ServiceRules,
  name: string,
): Answer<ServiceConfig> {
  if (name === target.postgresService) {
    const next = 'More slots for everybody are option B.';
    return refuse('postgres', 'PostgreSQL has no pool of this kind.', next);
  }
  if (refusedServices.includes(name)) {
    const next = 'Change it by hand if you must.';
    return refuse('own-service', 'dbconn does not change what it runs on itself.', next);
  }
  return findService(target, name);
}
