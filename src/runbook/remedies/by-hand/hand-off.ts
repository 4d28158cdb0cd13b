import { z } from 'zod';
import type { DatabaseReading } from '../../snapshot/snapshot.ts';
import { RuntimeConfig } from '../../snapshot/target.ts';
import type { Target } from '../../snapshot/target.ts';

const Runtime = RuntimeConfig.shape.kind;

/** Where commands are to be run, and what things are called there; null where nobody said. */
export const Place = z.strictObject({
  /** How PostgreSQL is run. */
  server: Runtime,
  /** How the services are run, which no managed database does. */
  services: Runtime.extract(['compose', 'kubernetes', 'systemd', 'other']),
  names: z.strictObject({
    /** The compose project. */
    project: z.string().nullable(),
    /** The context of the docker command for an engine of its own; null where that engine has an address only. */
    context: z.string().nullable().exactOptional(),
    /** The server as its place calls it. */
    server: z.string().nullable(),
    namespace: z.string().nullable(),
    parameterGroup: z.string().nullable(),
    resourceGroup: z.string().nullable(),
  }),
});
export type Place = z.infer<typeof Place>;

/** What makes a plan one that a person runs. dbconn never does. */
export const HandOff = z.strictObject({
  /** Why dbconn cannot run it: a sentence. */
  why: z.string(),
  place: Place,
  /** What stands above the commands, such as a file to edit. Figures and configured names only. */
  notes: z.array(z.string()).max(10),
  /** Where a setting has to be edited because ALTER SYSTEM has no effect or cannot write; null where it can. */
  edit: z.enum(['command line', 'standby']).nullable(),
});
export type HandOff = z.infer<typeof HandOff>;

/** What somebody runs by hand. Never a secret. */
export interface Commands {
  /** What to know or to edit before. */
  readonly notes: readonly string[];
  /** For a POSIX shell, in this order; none where only people know how it is run. */
  readonly commands: readonly string[];
}

/**
 * Where a target's commands are run: as the configuration says, else as the server's own roles tell, else Compose where
 * a project is configured.
 */
export function placeOf(target: Target, reading: DatabaseReading | undefined): Place {
  const { runtime, composeProject, postgresService, engine } = target;
  const told = runtime?.kind;
  const usual = composeProject === undefined ? 'other' : 'compose';
  // A managed database beside services in Kubernetes: what was told is about the services then.
  const server = reading?.managedBy ?? told ?? usual;
  const named = runtime?.server ?? (server === 'compose' ? (postgresService ?? null) : null);
  const isForServices = told === 'compose' || told === 'kubernetes' || told === 'systemd';
  return {
    server: server === 'compose' && named === null ? 'other' : server,
    services: isForServices || told === 'other' ? told : usual,
    names: {
      project: composeProject ?? null,
      ...(engine !== undefined && { context: engine.context }),
      server: named,
      namespace: runtime?.namespace ?? null,
      parameterGroup: runtime?.parameterGroup ?? null,
      resourceGroup: runtime?.resourceGroup ?? null,
    },
  };
}
