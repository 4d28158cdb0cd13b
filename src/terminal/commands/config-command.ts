import { z } from 'zod';
import { readConfig } from '../../config/config.ts';
import { readEnvironment } from '../../config/environment.ts';
import { ConfigFile } from '../../config/file.ts';
import { count } from '../../runbook/snapshot/words.ts';
import { exitCodes, refused } from '../output.ts';
import type { CommandResult } from '../output.ts';

/**
 * `config check [FILE]` reads the file with the environment, and the TLS files and contexts of Docker engines, and asks
 * nobody; `config schema` prints the JSON Schema of dbconn.yml. Throws the ConfigError with every problem.
 */
export async function runConfigCommand(
  [what, file, ...more]: readonly string[],
  config: string | undefined,
): Promise<CommandResult> {
  if (what === 'schema' && file === undefined) {
    return { text: JSON.stringify(configSchema(), null, 2), code: exitCodes.fine };
  }
  if (what !== 'check' || more.length > 0) {
    return refused('Say config check or config schema. See dbconn help config.');
  }
  const read = readConfig(readEnvironment(), file ?? config);
  if (read.targets.some(({ compose }) => compose?.docker !== undefined)) {
    const { connectEngines } = await import('../../app/containers.ts');
    connectEngines(read);
  }
  const name = read.file ?? 'DATABASE_URL';
  const targets = count(read.targets.length, 'target');
  return { text: `${name} is valid: ${targets}.`, code: exitCodes.fine };
}

/** The JSON Schema (2020-12) of dbconn.yml as people write it, from the same zod schema that reads it. */
export function configSchema(): z.core.JSONSchema.JSONSchema {
  const schema = z.toJSONSchema(ConfigFile, { io: 'input', unrepresentable: 'any' });
  return { title: 'dbconn.yml', ...schema };
}
