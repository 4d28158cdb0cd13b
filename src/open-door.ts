import { repeat } from './clock.ts';
import { ownContainer } from './compose/source/own-paths.ts';
import type { Config } from './config.ts';
import { createBrake } from './config/brake.ts';
import { toPolicy } from './config/to-policy.ts';
import type { DoorPorts } from './runbook/approval/door-ports.ts';
import { createDoor } from './runbook/approval/door.ts';
import type { Door } from './runbook/approval/door.ts';
import { nobodyKnown } from './runbook/approval/nobody-known.ts';
import { toDoorPatient } from './runbook/approval/to-door-patient.ts';
import type { Clock, Journal } from './runbook/ports.ts';
import type { People } from './runbook/ports/people.ts';
import type { Patient } from './runbook/runbook.ts';

interface DoorParts extends Pick<DoorPorts, 'onChange' | 'onFault'> {
  readonly config: Config;
  readonly patients: readonly Patient[];
  readonly journal: Journal;
  readonly clock: Clock;
  /** How long the lease on a running request stands without renewal; the door's own time unless given. */
  readonly leaseMs?: number | undefined;
  /** Who people in Slack are. Without it nobody there can decide anything here. */
  readonly people?: People;
  /** The same, a moment old, for what is shown. */
  readonly recentPeople?: People;
}

/** A minute lets pools that were cut off come back, and shows whether they take the slots again. */
const verifyAfterMs = 60_000;

/** The one door to change for all targets of a configuration. */
export function openDoor(parts: DoorParts): Door {
  const { config, patients, journal, clock, people = nobodyKnown, leaseMs, ...heard } = parts;
  const refusedServices = config.targets.flatMap(({ compose }) => compose?.neverRestart ?? []);
  const doorParts = { clock, refusedServices, refusedContainers: ownContainer() };
  const { approval, file: configFile } = config;
  return createDoor({
    ...heard,
    ...(leaseMs !== undefined && { leaseMs }),
    journal,
    clock,
    patients: patients.map((patient) => toDoorPatient(patient, doorParts)),
    neighbourhood: (name) => patients.find(({ target }) => target.name === name)?.neighbourhood?.(),
    policy: toPolicy(approval),
    people,
    brake: createBrake({ stopFile: approval.stopFile, configFile }),
    repeat,
    verifyAfterMs: approval.verifyAfter ?? verifyAfterMs,
  });
}
