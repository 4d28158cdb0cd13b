import { JournalUnavailable } from '../approval/journal-unavailable.ts';
import { durationOfSeconds } from '../snapshot/words.ts';
import { changeIncident } from '../incident/change-incident.ts';
import type { Incident } from '../incident/incident.ts';
import { asksAssignee } from './attention.ts';
import type { Question } from './attention.ts';
import { isPaused, pause } from '../escalation/escalator-deps.ts';
import type { EscalatorMemory, EscalatorDeps } from '../escalation/escalator-deps.ts';
import { toWho } from './wording.ts';

/** Asks whoever has an incident and went quiet. The board asks once for each key, so the note may come after it. */
export async function askAgain(
  { ports, memory }: { readonly ports: EscalatorDeps; readonly memory: EscalatorMemory },
  incident: Incident,
  { key, number, quietForMs }: Question,
): Promise<Incident> {
  const { board, clock, log, onFault } = ports;
  const { assignee } = incident;
  if (assignee === null || isPaused(memory, 'ask', clock)) return incident;
  const quiet = `nothing happened for ${durationOfSeconds(quietForMs / 1000)}`;
  const sentence = `${toWho(assignee.by)}, you have this and ${quiet}. Is it still yours?`;
  try {
    await board.ask(incident, { key, sentence });
  } catch (error) {
    if (error instanceof JournalUnavailable) throw error;
    onFault(incident.id, error);
    pause(memory, 'ask', clock);
    return incident;
  }
  memory.pauses.delete('ask');
  const facts = { asks: asksAssignee, number };
  const asked = await changeIncident(log, incident.id, ({ state }) => ({
    state,
    change: {},
    note: { kind: 'incident-asked', sentence: null, facts },
  }));
  return asked.ok ? asked.value : incident;
}
