import { parseEnv } from 'node:util';
import { interpolate } from './interpolate.ts';
import type { Lookup } from './interpolate.ts';

/** A file of variables that Compose reads: a project's `.env`, or a service's `env_file`. */
export interface EnvText {
  /** As dbconn sees it. */
  readonly path: string;
  readonly text: string;
}

/** One variable, and the last file that gives it. */
interface EnvValue {
  readonly value: string;
  readonly path: string;
}

export type EnvValues = ReadonlyMap<string, EnvValue>;

/**
 * What these files say together: a later one wins over an earlier one, and values may refer to those before them and
 * to what `lookup` knows.
 */
export function readEnvValues(files: readonly EnvText[], lookup: Lookup = unknown): EnvValues {
  const values = new Map<string, EnvValue>();
  for (const { path, text } of files) {
    for (const [name, raw = ''] of Object.entries(parseEnv(withoutMark(text)))) {
      const value = interpolate(raw, (wanted) => values.get(wanted)?.value ?? lookup(wanted));
      values.set(name, { value: value.trim(), path });
    }
  }
  return values;
}

/** Compose skips a byte order mark; Node takes it for the beginning of the first name. */
function withoutMark(text: string): string {
  return text.replace(/^\u{FEFF}/u, '');
}

function unknown(): undefined {
  return undefined;
}
