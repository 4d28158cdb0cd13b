import { z } from 'zod';
import type { StepEntry } from '../runbook/remedies/remedy.ts';
import type { JournalEntry } from './chain.ts';

const StepBody = z.strictObject({
  step: z.number().int(),
  sentence: z.string(),
  facts: z
    .record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()]))
    .exactOptional(),
});

/** An entry as a step of a run; nothing for every other kind of entry. */
export function toStep({ kind, at, body }: JournalEntry): StepEntry[] {
  if (kind !== 'step-intended' && kind !== 'step-done') return [];
  const note = StepBody.parse(JSON.parse(body));
  return [{ ...note, kind: kind === 'step-intended' ? 'intended' : 'done', at }];
}
