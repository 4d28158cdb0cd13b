import { takeLook } from '../look.ts';
import type { Clock } from '../ports.ts';
import { createCatalogue } from '../remedies/catalogue.ts';
import type { CatalogueParts } from '../remedies/catalogue.ts';
import type { Remedy } from '../remedies/remedy.ts';
import type { Patient } from '../runbook.ts';
import type { Target } from '../target.ts';
import type { DoorPatient } from './door-ports.ts';
import { toHandOffs } from './to-hand-offs.ts';

interface DoorPatientParts {
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
/** Metrics are read anew at each look; a new process shows them as soon as it serves. */
const shownWithinMs = 15_000;

/** Before a server opens its port, its container may set up a volume; after this it is told of as silent. */
const silentForMs = 10 * 60_000;
/** Pools that were cut off come back with the next request. */
const returnWithinMs = 60_000;

/** One target as the door sees it: the options whose parts are there. */
export function toDoorPatient(patient: Patient, parts: DoorPatientParts): DoorPatient {
  const look: DoorPatient['look'] = () => {
    return takeLook({ ...patient, clock: parts.clock }, patient.target);
  };
  return {
    name: patient.target.name,
    remedies: remediesOf(patient, parts, look),
    handOffs: toHandOffs(patient, {
      look,
      clock: parts.clock,
      get target() {
        return patient.target;
      },
      refusedServices: parts.refusedServices,
    }),
    look,
    warningUtilisation: patient.target.limits.warningUtilisation,
  };
}

function remediesOf(
  patient: Patient,
  { clock, refusedServices, refusedContainers }: DoorPatientParts,
  look: DoorPatient['look'],
): readonly Remedy[] {
  const { acting, blockers, poolSettings, restarts } = patient;
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
    ...optionBOf(patient, clock, look),
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
    ...(blockers !== undefined && {
      optionD: {
        blockers,
        clock,
        get target() {
          return now();
        },
      },
    }),
    ...(poolSettings !== undefined && {
      optionE: {
        settings: poolSettings,
        look,
        clock,
        get target() {
          return now();
        },
        refusedServices,
        refusedContainers,
        healthyWithinMs,
        calmWithinMs,
        shownWithinMs,
      },
    }),
    ...beyondTheLetters(patient, clock),
  });
}

function beyondTheLetters(
  { target, prepared, timeouts, roleLimits }: Patient,
  clock: Clock,
): Pick<CatalogueParts, 'prepared' | 'prevention'> {
  return {
    ...(prepared !== undefined && { prepared: { prepared, clock, target } }),
    ...(timeouts !== undefined &&
      roleLimits !== undefined && { prevention: { timeouts, roleLimits, clock, target } }),
  };
}

function optionBOf(
  patient: Patient,
  clock: Clock,
  look: DoorPatient['look'],
): Pick<CatalogueParts, 'optionB'> {
  const { serverHost: host, serverSettings: settings } = patient;
  if (settings === undefined) return {};
  return {
    optionB: {
      settings,
      ...(host !== undefined && { host }),
      look,
      clock,
      get target() {
        return patient.target;
      },
      silentForMs,
      returnWithinMs,
    },
  };
}
