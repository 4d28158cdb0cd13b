import { Diagnosis } from '../../runbook/diagnose/diagnosis.ts';

/** The documented JSON of a Diagnosis; see docs/json.md. Throws when the Diagnosis breaks its own schema. */
export function renderJson(diagnosis: Diagnosis): string {
  return JSON.stringify(Diagnosis.parse(diagnosis), null, 2);
}
