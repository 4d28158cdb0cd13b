import { z } from 'zod';
import { OptionLetter } from '../diagnose/diagnosis.ts';

/** What rules of approval are kept for: the runbook's options, and what goes beyond its letters. */
export const Action = z.enum([...OptionLetter.options, 'prepared', 'prevention']);
export type Action = z.infer<typeof Action>;

/** How an action is called within a sentence. */
export function nameOf(action: Action): string {
  switch (action) {
    case 'prepared':
      return 'the rollback of a prepared transaction';
    case 'prevention':
      return 'prevention';
    default:
      return `option ${action}`;
  }
}
