import { JournalUnavailable } from '../../../src/runbook/approvals/journal.ts';
import type { EscalatorDeps } from '../../../src/runbook/escalation/escalator-deps.ts';

/** A process that dies at one of its writes: before the journal has it, or right after. */
export type Moment = 'before' | 'after';

export class Killed extends JournalUnavailable {}

export function killedAt(
  log: EscalatorDeps['log'],
  write: number,
  moment: Moment,
): EscalatorDeps['log'] {
  let writes = 0;
  return {
    readIncident: (id) => log.readIncident(id),
    readNotes: (id, after) => log.readNotes(id, after),
    async moveIncident(from, to, entry) {
      writes += 1;
      // Whoever is dead writes nothing more.
      if (writes > write || (writes === write && moment === 'before')) throw new Killed('Killed.');
      const moved = await log.moveIncident(from, to, entry);
      if (writes === write) throw new Killed('Killed.');
      return moved;
    },
  };
}
