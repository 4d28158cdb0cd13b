import type { ReplicaReading } from '../runbook/diagnose/snapshot.ts';

/**
 * The pool's numbers out of a container's environment, under the runbook's names. This is the only place
 * that touches the environment, and nothing but these five values leaves it: the rest holds passwords.
 * A value that is no number reads as null, as if it were not set.
 */
export function readPoolSettings(environment: readonly string[]): ReplicaReading['pool'] {
  return {
    size: readWhole(environment, 'DATABASE_POOL_SIZE'),
    maxOverflow: readWhole(environment, 'DATABASE_MAX_OVERFLOW'),
    timeoutSeconds: readNumber(environment, 'DATABASE_POOL_TIMEOUT'),
    recycleSeconds: readNumber(environment, 'DATABASE_POOL_RECYCLE'),
    prePing: readSwitch(environment, 'DATABASE_POOL_PRE_PING'),
  };
}

function readValue(environment: readonly string[], name: string): string | undefined {
  // The last one counts, as it does for the process itself.
  const entry = environment.findLast((entry) => entry.startsWith(`${name}=`));
  return entry?.slice(name.length + 1).trim();
}

function readNumber(environment: readonly string[], name: string): number | null {
  const value = readValue(environment, name);
  return value !== undefined && /^[+-]?\d{1,9}(\.\d{1,9})?$/.test(value) ? Number(value) : null;
}

function readWhole(environment: readonly string[], name: string): number | null {
  const value = readNumber(environment, name);
  return Number.isInteger(value) ? value : null;
}

function readSwitch(environment: readonly string[], name: string): boolean | null {
  const value = readValue(environment, name)?.toLowerCase() ?? '';
  if (['true', '1', 'yes', 'on'].includes(value)) return true;
  return ['false', '0', 'no', 'off'].includes(value) ? false : null;
}
