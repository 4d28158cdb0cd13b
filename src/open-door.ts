import { hostname } from 'node:os';
import type { Config } from './config.ts';
import { toPolicy } from './config/to-policy.ts';
import { openSqliteJournal } from './journal/sqlite.ts';
import type { SqliteJournal } from './journal/sqlite.ts';
import type { DoorPorts } from './runbook/approval/door-ports.ts';
import { createDoor } from './runbook/approval/door.ts';
import type { Door } from './runbook/approval/door.ts';
import { toDoorPatient } from './runbook/approval/to-door-patient.ts';
import type { Clock, Journal } from './runbook/ports.ts';
import type { Patient } from './runbook/runbook.ts';

export interface DoorParts extends Pick<DoorPorts, 'onChange' | 'onFault'> {
  readonly config: Config;
  readonly patients: readonly Patient[];
  readonly journal: Journal;
  readonly clock: Clock;
}

/** A minute lets pools that were cut off come back, and shows whether they take the slots again. */
const verifyAfterMs = 60_000;

/** The journal that dbconn.yml names. Throws JournalUnavailable with what to do about it. */
export function openJournal({ journal: file }: Config, clock: Clock): Promise<SqliteJournal> {
  return openSqliteJournal({ file, clock });
}

/** The one door to change for all targets of a configuration. */
export function openDoor({ config, patients, journal, clock, ...heard }: DoorParts): Door {
  const refusedServices = config.targets.flatMap(({ compose }) => compose?.neverRestart ?? []);
  const parts = { clock, refusedServices, refusedContainers: ownContainer() };
  return createDoor({
    ...heard,
    journal,
    clock,
    patients: patients.map((patient) => toDoorPatient(patient, parts)),
    policy: toPolicy(config.approval),
    verifyAfterMs: config.approval.verifyAfter ?? verifyAfterMs,
  });
}

/** Docker names a container's host after the beginning of its id, unless told otherwise. */
function ownContainer(): readonly string[] {
  const name = hostname();
  return /^[0-9a-f]{12}$/.test(name) ? [name] : [];
}
