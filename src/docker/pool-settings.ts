import type { ReplicaReading } from '../runbook/snapshot/snapshot.ts';
import type { PoolVariables, ServiceConfig } from '../runbook/snapshot/target.ts';

type Naming = Pick<ServiceConfig, 'variables' | 'maxOverflow'>;

interface Recognised {
  readonly variables: PoolVariables;
  /** `size` is all that the pool may open: there is no overflow on top of it. */
  readonly isMaximum: boolean;
}

/**
 * What names of a connection pool's settings begin with: the runbook's own first, then those of Flask-SQLAlchemy,
 * Airflow and whatever else applications call their database. Another name is configured as `services[].variables`.
 */
const prefixes = [
  'DATABASE',
  'SQLALCHEMY',
  'DB',
  'POSTGRES',
  'POSTGRESQL',
  'PG',
  'AIRFLOW__DATABASE__SQL_ALCHEMY',
  'AIRFLOW__CORE__SQL_ALCHEMY',
];
const overflowNames = ['_MAX_OVERFLOW', '_POOL_MAX_OVERFLOW', '_POOL_OVERFLOW'];
/** Pools of Ruby, Node, Go and Java have one number: the most they open. */
const maximumNames = [
  '_POOL_MAX',
  '_POOL_MAX_SIZE',
  '_MAX_POOL_SIZE',
  '_MAX_OPEN_CONNS',
  '_MAX_OPEN_CONNECTIONS',
  '_POOL',
];
/** HikariCP by Spring's relaxed binding, and Agroal. */
const javaMaximums = [
  'SPRING_DATASOURCE_HIKARI_MAXIMUM_POOL_SIZE',
  'SPRING_DATASOURCE_HIKARI_MAXIMUMPOOLSIZE',
  'HIKARI_MAXIMUM_POOL_SIZE',
  'QUARKUS_DATASOURCE_JDBC_MAX_SIZE',
];

/**
 * The pool's numbers out of a container's environment. Nothing but these five values leaves the
 * environment in the clear: the rest holds passwords. A value that is no number reads as null, as if
 * it were not set.
 */
export function readPoolSettings(
  environment: readonly string[],
  naming: Naming = {},
): ReplicaReading['pool'] {
  const { variables, isMaximum } = recognise(environment, naming);
  const { size, overflow, timeout, recycle, prePing } = variables;
  const maximum = isMaximum ? readWhole(environment, size) : null;
  return {
    size: readWhole(environment, size),
    maxOverflow: maximum === null ? readWhole(environment, overflow) : (naming.maxOverflow ?? 0),
    timeoutSeconds: readNumber(environment, timeout),
    recycleSeconds: readNumber(environment, recycle),
    prePing: readSwitch(environment, prePing),
  };
}

/** The names under which this environment has a pool's settings: the configured ones, else those that are usual. */
export function readPoolVariables(
  environment: readonly string[],
  naming: Naming = {},
): PoolVariables {
  return recognise(environment, naming).variables;
}

/** Configured names count where the container has them; what it does not have is no variable of its pool. */
function recognise(environment: readonly string[], { variables }: Naming): Recognised {
  const has = (name: string): boolean => readValue(environment, name) !== undefined;
  if (variables?.size === undefined && variables?.overflow === undefined) {
    const found = recogniseUsual(has);
    return { ...found, variables: { ...found.variables, ...keep(variables ?? {}, has) } };
  }
  return { variables: keep(variables, has), isMaximum: variables.overflow === undefined };
}

function recogniseUsual(has: (name: string) => boolean): Recognised {
  const found = prefixes.map((prefix) => ({ prefix, variables: keepUsual(prefix, has) }));
  const isWhole = ({ size, overflow }: PoolVariables): boolean =>
    size !== undefined && overflow !== undefined;
  const whole = found.find(({ variables }) => isWhole(variables));
  if (whole !== undefined) return { variables: whole.variables, isMaximum: false };
  const names = prefixes.flatMap((prefix) => maximumNames.map((name) => `${prefix}${name}`));
  const maximum = [...names, ...javaMaximums].find(has);
  if (maximum !== undefined) {
    const beside = found.find(({ prefix }) => maximum.startsWith(prefix))?.variables ?? {};
    const { overflow: _overflow, ...rest } = beside;
    return { variables: { ...rest, size: maximum }, isMaximum: true };
  }
  const part =
    found.find(({ variables }) => (variables.size ?? variables.overflow) !== undefined) ??
    found.find(({ variables }) => Object.keys(variables).length > 0);
  return { variables: part?.variables ?? {}, isMaximum: false };
}

function keepUsual(prefix: string, has: (name: string) => boolean): PoolVariables {
  const overflow = overflowNames.map((name) => `${prefix}${name}`).find(has);
  const usual = {
    size: `${prefix}_POOL_SIZE`,
    timeout: `${prefix}_POOL_TIMEOUT`,
    recycle: `${prefix}_POOL_RECYCLE`,
    prePing: `${prefix}_POOL_PRE_PING`,
  };
  return { ...keep(usual, has), ...(overflow !== undefined && { overflow }) };
}

function keep(variables: PoolVariables, has: (name: string) => boolean): PoolVariables {
  return Object.fromEntries(Object.entries(variables).filter(([, name]) => has(name)));
}

function readValue(environment: readonly string[], name: string): string | undefined {
  // The last one counts, as it does for the process itself.
  const entry = environment.findLast((entry) => entry.startsWith(`${name}=`));
  return entry?.slice(name.length + 1).trim();
}

function readNumber(environment: readonly string[], name: string | undefined): number | null {
  const value = name === undefined ? undefined : readValue(environment, name);
  return value !== undefined && /^[+-]?\d{1,9}(\.\d{1,9})?$/.test(value) ? Number(value) : null;
}

function readWhole(environment: readonly string[], name: string | undefined): number | null {
  const value = readNumber(environment, name);
  return Number.isInteger(value) ? value : null;
}

function readSwitch(environment: readonly string[], name: string | undefined): boolean | null {
  const value = name === undefined ? '' : (readValue(environment, name)?.toLowerCase() ?? '');
  if (['true', '1', 'yes', 'on'].includes(value)) return true;
  return ['false', '0', 'no', 'off'].includes(value) ? false : null;
}
