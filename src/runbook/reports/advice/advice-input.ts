import { z } from 'zod';
import { Diagnosis } from '../../diagnose/diagnosis.ts';
import type { Budget, Capacity } from '../../diagnose/diagnosis.ts';
import type { TargetCheck } from '../../diagnose/evidence.ts';
import type { KeptNote } from '../../incidents/incident-log.ts';
import { SessionReading, SettingReading } from '../../snapshot/snapshot.ts';
import type { ReplicaReading } from '../../snapshot/snapshot.ts';
import type { Target } from '../../snapshot/target.ts';

const CheckedAt = z.object({ at: z.string(), used: z.number().int(), usable: z.number().int() });

const Session = SessionReading.pick({
  pid: true,
  startedAt: true,
  user: true,
  application: true,
  state: true,
  stateChangedAt: true,
  stateAgeSeconds: true,
  own: true,
});
export type KeptSession = z.infer<typeof Session>;

const Setting = SettingReading.pick({ name: true, value: true, source: true });

const Pool = z.object({
  size: z.number().nullable(),
  maxOverflow: z.number().nullable(),
  timeoutSeconds: z.number().nullable(),
  recycleSeconds: z.number().nullable(),
  prePing: z.boolean().nullable(),
});

const variable = z.string().exactOptional();
const PoolVariables = z.object({
  size: variable,
  overflow: variable,
  timeout: variable,
  recycle: variable,
  prePing: variable,
});

/** As much of a check as a report reads; what was trimmed for the journal is missing and no fault. */
const KeptCheck = z.object({
  recent: z.array(CheckedAt).default([]),
  diagnosis: Diagnosis,
  snapshot: z.object({
    takenAt: z.string(),
    database: z.object({
      reading: z
        .object({
          version: z.number().int(),
          settings: z.array(Setting).default([]),
          sessions: z.array(Session).default([]),
        })
        .optional(),
    }),
    services: z
      .union([
        z.object({
          ok: z.literal(true),
          value: z.object({
            services: z.array(
              z.object({
                name: z.string(),
                replicas: z.array(
                  z.object({ pool: Pool, poolVariables: PoolVariables.exactOptional() }),
                ),
              }),
            ),
          }),
        }),
        z.object({ ok: z.literal(false) }),
      ])
      .default({ ok: false }),
  }),
});
export type KeptCheck = z.infer<typeof KeptCheck>;

/**
 * The checks that an incident's notes kept whole (`facts.examination`), oldest first, and how many of them cannot be
 * read, such as those of another version of dbconn.
 */
export function readChecks(notes: readonly KeptNote[]): {
  readonly checks: readonly KeptCheck[];
  readonly unreadable: number;
  /** How many had their lists cut to fit the journal. */
  readonly trimmed: number;
} {
  const kept = notes
    .map(({ facts }) => facts?.['examination'])
    .filter((one) => one !== undefined && one !== null)
    .map((one) => KeptCheck.safeParse(one));
  return {
    checks: kept.filter(({ success }) => success).flatMap(({ data }) => data ?? []),
    trimmed: notes.filter(({ facts }) => facts?.['truncated'] === true).length,
    unreadable: kept.filter(({ success }) => !success).length,
  };
}

/** What advice is computed from: one moment of a target, checked just now or kept from an incident. */
export interface AdviceInput {
  readonly target: Pick<
    Target,
    'name' | 'services' | 'canAct' | 'canResize' | 'limits' | 'protectedApplications'
  >;
  readonly budget: Budget;
  readonly capacity: Capacity | null;
  /** `server_version_num`; null where no rung answered. */
  readonly version: number | null;
  readonly settings: readonly Pick<SettingReading, 'name' | 'value' | 'source'>[];
  readonly sources: Diagnosis['sources'];
  readonly sessions: Diagnosis['sessions'];
  /** Old and new replicas were there at once: what they need together is not what has to fit for good. */
  readonly deploying: boolean;
  /** Empty where the containers could not be read. */
  readonly services: readonly {
    readonly name: string;
    readonly replicas: readonly Pick<ReplicaReading, 'pool' | 'poolVariables'>[];
  }[];
}

/** The same whether it was checked just now or kept in the journal. */
export function toAdviceInput(
  target: AdviceInput['target'],
  { diagnosis, snapshot }: KeptCheck | Pick<TargetCheck, 'diagnosis' | 'snapshot'>,
): AdviceInput {
  const { reading } = snapshot.database;
  return {
    target,
    budget: diagnosis.budget,
    capacity: diagnosis.capacity,
    version: reading?.version ?? null,
    settings: reading?.settings ?? [],
    sources: diagnosis.sources,
    sessions: diagnosis.sessions,
    // PostgreSQL's own containers are read as well, and have no pool.
    services: (snapshot.services.ok ? snapshot.services.value.services : []).filter(({ name }) =>
      target.services.some((service) => service.name === name),
    ),
    deploying: diagnosis.findings.some(({ id }) => id === 'deploy-overlap'),
  };
}

/** Whether dbconn has a role with which it could change PostgreSQL's settings. */
export function mayAct({ target }: AdviceInput): boolean {
  return target.canAct !== false;
}
