import { takeLook } from '../look.ts';
import type { Clock } from '../ports.ts';
import { createCatalogue } from '../remedies/catalogue.ts';
import type { Remedy } from '../remedies/remedy.ts';
import type { Patient } from '../runbook.ts';
import type { Target } from '../target.ts';
import type { DoorPatient } from './door-ports.ts';

export interface DoorPatientParts {
  readonly clock: Clock;
  /** Services option C never restarts, although configured. */
  readonly refusedServices: readonly string[];
  /** The beginnings of ids of containers it never restarts: the one dbconn runs in. */
  readonly refusedContainers: readonly string[];
}

/** As `docker compose restart` has it. */
const stopTimeoutSeconds = 10;
/** A service that starts slower than this has a health check that says so; then the row ends there. */
const healthyWithinMs = 60_000;
/** Pools that were refused try again within this time, and then the next replica may go. */
const calmWithinMs = 30_000;

/** One target as the door sees it: the options whose parts are there. */
export function toDoorPatient(patient: Patient, parts: DoorPatientParts): DoorPatient {
  const look: DoorPatient['look'] = () => {
    return takeLook({ ...patient, clock: parts.clock }, patient.target);
  };
  return {
    name: patient.target.name,
    remedies: remediesOf(patient, parts, look),
    look,
    warningUtilisation: patient.target.limits.warningUtilisation,
  };
}

function remediesOf(
  patient: Patient,
  { clock, refusedServices, refusedContainers }: DoorPatientParts,
  look: DoorPatient['look'],
): readonly Remedy[] {
  const { acting, restarts } = patient;
  const now = (): Target => patient.target;
  return createCatalogue({
    ...(acting !== undefined && {
      optionA: {
        acting,
        clock,
        get target() {
          return now();
        },
      },
    }),
    ...(restarts !== undefined && {
      optionC: {
        restarts,
        look,
        clock,
        // Read each time: services may come and go while dbconn runs.
        get target() {
          return now();
        },
        refusedServices,
        refusedContainers,
        stopTimeoutSeconds,
        healthyWithinMs,
        calmWithinMs,
      },
    }),
  });
}
