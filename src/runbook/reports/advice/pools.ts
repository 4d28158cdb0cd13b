import {
  fitTogether,
  nameVariable,
  processesOf,
  sizeVariables,
  toSettable,
} from '../../diagnose/pool-sizes.ts';
import type { FittingPool } from '../../diagnose/pool-sizes.ts';
import { raiseMaxConnections } from '../../diagnose/proposals/b-raise-max-connections.ts';
import { toCommand } from '../../diagnose/proposals/proposal.ts';
import type { ReplicaReading } from '../../snapshot/snapshot.ts';
import type { PoolVariables } from '../../snapshot/target.ts';
import { count, list, sum } from '../../snapshot/words.ts';
import type { Advice, PreventionCheck } from '../report.ts';
import { mayAct } from './advice-input.ts';
import type { AdviceInput } from './advice-input.ts';

/**
 * A larger max_connections, where the pools do not fit and the next size fits them all: it costs a restart and
 * memory, so it is never the first advice.
 */
export function adviseMaxConnections(input: AdviceInput): Advice[] {
  const { budget, capacity } = input;
  if (capacity === null || typeof budget.mayOpen !== 'number' || input.deploying) return [];
  const { maxConnections, reserved, usable } = capacity;
  const raised = raiseMaxConnections(maxConnections);
  const fits = fitTogether(budget);
  if (fits === null || fits.length === 0 || budget.mayOpen > raised - reserved) return [];
  return [
    {
      setting: 'max_connections',
      now: String(maxConnections),
      better: String(raised),
      because: `All services together may open ${count(budget.mayOpen, 'connection')}, but only ${usable} are usable. ${raised} would be enough, if memory allows. Smaller pools need no restart.`,
      ...(mayAct(input) && { command: `propose B ${raised}` }),
    },
  ];
}

/** Pool numbers with which all services together fit into the server; none where they do already. */
export function advisePools(input: AdviceInput): Advice[] {
  const fitting = fitTogether(input.budget);
  if (fitting === null || fitting === 'too-many') return [];
  return fitting
    .flatMap((one) => toSettable(input.services, one) ?? [])
    .map((one) => toAdvice(input, one));
}

/** What the numbers of a service's pool are set by. */
export function nameSizes({ services }: Pick<AdviceInput, 'services'>, service: string): string {
  const { size, overflow } = sizeVariables(services, service);
  return `${overflow === null ? size : `${size} and ${overflow}`} of ${service}`;
}

function toAdvice(input: AdviceInput, { line, processes, to }: FittingPool): Advice {
  const { budget, target, deploying } = input;
  const { service, poolSize, maxOverflow, mayOpen } = line;
  const command = toCommand('E', service, String(to.poolSize), String(to.maxOverflow));
  const now = `${poolSize ?? '?'} + ${maxOverflow ?? '?'}`;
  const all = budget.mayOpen === null ? 'more' : numberOrEndless(budget.mayOpen);
  return {
    setting: nameSizes(input, service),
    now,
    better: `${to.poolSize} + ${to.maxOverflow}`,
    because: `${count(processes, 'process', 'processes')} with ${now} each may open ${numberOrEndless(mayOpen)}. All services together may open ${all}; ${budget.usable ?? '?'} are usable. The new sizes leave a fifth free.`,
    ...(target.canResize === true && !deploying && command !== undefined && { command }),
  };
}

/** A pooler, where no pool numbers make the processes fit; nothing where some do. */
export function advisePooler({ budget }: AdviceInput): Advice[] {
  if (fitTogether(budget) !== 'too-many') return [];
  const processes = sum(budget.lines.map(processesOf));
  return [
    {
      setting: 'PgBouncer',
      now: null,
      better: 'between the applications and PostgreSQL, in transaction mode',
      because: `${count(processes, 'process has a pool', 'processes have a pool each')}. Even one connection each does not fit into ${budget.usable ?? '?'} usable connections beside ${budget.others ?? 0} others.`,
    },
  ];
}

export function numberOrEndless(value: number | 'unlimited' | null): string {
  if (value === null) return 'an unknown number';
  return value === 'unlimited' ? 'any number' : String(value);
}

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
    because: 'Callers give up before a longer wait ends.',
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
    because: 'Without it, each ended session causes one failed request.',
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
      because: 'The environment of its containers does not set it.',
    };
  }
  const isFine = known.every(fits) && known.length === values.length;
  const now = list(values.map(toText));
  return {
    ...base,
    state: isFine ? 'ok' : 'advice',
    now,
    because: isFine ? 'As recommended.' : because,
  };
}

function toText(value: Value): string {
  return value === null ? 'not set' : String(value);
}
