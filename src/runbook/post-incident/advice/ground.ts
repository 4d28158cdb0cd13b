import type { Budget, Capacity, Diagnosis } from '../../diagnose/diagnosis.ts';
import type { ReplicaReading, SettingReading } from '../../snapshot/snapshot.ts';
import type { Target } from '../../snapshot/target.ts';
import type { TargetCheck } from '../../diagnose/evidence.ts';
import type { KeptCheck } from '../read-examinations.ts';

/** What advice is computed from: one moment of a target, looked at just now or kept from a night. */
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

/** The same whether it was looked at just now or kept in the journal. */
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
