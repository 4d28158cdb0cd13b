import type { Snapshot } from '../../snapshot/snapshot.ts';
import type { Clock } from '../../snapshot/ports.ts';
import type { ServerHost } from '../../ports/server-host.ts';
import type { ServerSettings } from '../../ports/server-settings.ts';
import type { Target } from '../../snapshot/target.ts';

export interface OptionBPorts {
  readonly settings: ServerSettings;
  /** Absent where dbconn may not restart PostgreSQL: then somebody is told to. */
  readonly host?: ServerHost;
  readonly takeSnapshot: () => Promise<Snapshot>;
  readonly clock: Clock;
  readonly target: Target;
  /** How long a server whose process lives may say nothing at all. One that says it is starting has all the time it needs. */
  readonly silentForMs: number;
  /** How long the applications get to show up again. */
  readonly returnWithinMs: number;
  /** A plan for a person: what dbconn may and can is no matter. */
  readonly byHand?: boolean;
}
