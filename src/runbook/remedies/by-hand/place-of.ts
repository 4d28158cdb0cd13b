import type { DatabaseReading } from '../../snapshot/snapshot.ts';
import type { Target } from '../../snapshot/target.ts';
import type { Place } from './hand-off.ts';

/**
 * Where a target's commands are run: as the configuration says, else as the server's own roles tell, else Compose where
 * a project is configured.
 */
export function placeOf(target: Target, reading: DatabaseReading | undefined): Place {
  const { runtime, composeProject, postgresService } = target;
  const told = runtime?.kind;
  const usual = composeProject === undefined ? 'other' : 'compose';
  // A managed database beside services in Kubernetes: what was told is about the services then.
  const server = reading?.managedBy ?? told ?? usual;
  const isForServices = told === 'compose' || told === 'kubernetes' || told === 'systemd';
  return {
    server: server === 'compose' && postgresService === undefined ? 'other' : server,
    services: isForServices || told === 'other' ? told : usual,
    names: {
      project: composeProject ?? null,
      server: runtime?.server ?? (server === 'compose' ? (postgresService ?? null) : null),
      namespace: runtime?.namespace ?? null,
      parameterGroup: runtime?.parameterGroup ?? null,
      resourceGroup: runtime?.resourceGroup ?? null,
    },
  };
}
