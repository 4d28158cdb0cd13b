import { z } from 'zod';
import { runtimes } from '../runbook/snapshot/target.ts';

const kind = z.enum(runtimes, `is one of ${runtimes.join(', ')}`);
/** Part of a command that a person copies into a shell, where a leading dash would be an option. */
const name = z
  .string()
  .regex(/^[\w.@:/][\w.@:/-]{0,199}$/, 'is a name of letters, digits, dots, dashes and slashes');

const Named = z.strictObject({
  kind,
  server: name.exactOptional(),
  namespace: name.exactOptional(),
  parameterGroup: name.exactOptional(),
  resourceGroup: name.exactOptional(),
});

/** `runtime: rds`, or the same with what its server is called there. */
export const RuntimeEntry = z.preprocess(
  (given): unknown => (typeof given === 'string' ? { kind: given } : given),
  Named,
);
