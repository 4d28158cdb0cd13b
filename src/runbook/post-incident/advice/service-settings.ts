import type { ReplicaReading } from '../../snapshot/snapshot.ts';
import { nameVariable } from '../../diagnose/pool-variables.ts';
import { list } from '../../snapshot/words.ts';
import type { PoolVariables } from '../../snapshot/target.ts';
import type { PreventionCheck } from '../prevention.ts';
import type { AdviceInput } from './ground.ts';

type PoolSettings = ReplicaReading['pool'];
type Value = number | boolean | null;

interface Recommended {
  readonly variable: keyof PoolVariables;
  readonly key: keyof PoolSettings;
  readonly better: string;
  readonly fits: (value: number | boolean) => boolean;
  readonly because: string;
}

/** The runbook's five, under "Recommended SQLAlchemy settings". */
const recommended: readonly Recommended[] = [
  {
    variable: 'timeout',
    key: 'timeoutSeconds',
    better: '30',
    fits: (value) => typeof value === 'number' && value > 0 && value <= 30,
    because: 'Whoever asked has given up before a longer wait for a connection is over.',
  },
  {
    variable: 'recycle',
    key: 'recycleSeconds',
    better: '1800',
    fits: (value) => typeof value === 'number' && value > 0 && value <= 1800,
    because: 'Connections that are never replaced outlive restarts, failovers and time-outs.',
  },
  {
    variable: 'prePing',
    key: 'prePing',
    better: 'true',
    fits: (value) => value === true,
    because: 'Without it each session that is ended costs a request an error.',
  },
];

/** Each service's pool time-out, recycling and pre-ping as its containers' environment has them, against the runbook's. */
export function checkServiceSettings({
  services,
}: Pick<AdviceInput, 'services'>): PreventionCheck[] {
  return services.flatMap(({ name, replicas }) =>
    replicas.length === 0 ? [] : recommended.map((one) => check(name, replicas, one)),
  );
}

function check(
  service: string,
  replicas: AdviceInput['services'][number]['replicas'],
  { variable, key, better, fits, because }: Recommended,
): PreventionCheck {
  const values = [...new Set(replicas.map(({ pool }) => pool[key]))];
  const known = values.filter((value) => value !== null);
  const base = {
    part: 'application',
    setting: `${nameVariable(replicas, variable)} of ${service}`,
    better,
  } as const;
  if (known.length === 0) {
    return {
      ...base,
      state: 'unknown',
      now: null,
      because: 'The containers’ environment does not say.',
    };
  }
  const isFine = known.every(fits) && known.length === values.length;
  const now = list(values.map(toText));
  return {
    ...base,
    state: isFine ? 'ok' : 'advice',
    now,
    because: isFine ? 'As it should be.' : because,
  };
}

function toText(value: Value): string {
  return value === null ? 'not said' : String(value);
}
