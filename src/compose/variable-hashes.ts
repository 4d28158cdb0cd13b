import { createHmac, randomBytes } from 'node:crypto';

/** More variables than these no service is configured by. */
const mostVariables = 200;
/** Made anew by each process: a short value, such as a pool's size, could be guessed from a plain hash. */
const key = randomBytes(32);

/**
 * A short hash of the value of each environment variable, by its name, so that a changed value can be told and never
 * shown. Equal values have equal hashes within this process alone.
 */
export function hashVariables(environment: readonly string[]): Readonly<Record<string, string>> {
  const found = environment.flatMap((entry): (readonly [string, string])[] => {
    const [, name, value] = /^(?<name>[A-Za-z_]\w{0,99})=(?<value>[^]*)$/.exec(entry) ?? [];
    return name === undefined || value === undefined ? [] : [[name, hash(value)]];
  });
  return Object.fromEntries(found.slice(0, mostVariables));
}

function hash(value: string): string {
  return createHmac('sha256', key).update(value).digest('hex').slice(0, 12);
}
