import { addNote } from '../incidents/change.ts';
import type { Note } from '../incidents/incident-log.ts';
import type { Incident } from '../incidents/incident.ts';
import type { IncidentView } from '../incidents/incidents.ts';
import { durationOfSeconds } from '../snapshot/words.ts';
import { toWho } from './channels.ts';
import { attempt, changed, createMemory } from './escalator-deps.ts';
import type { Calling, EscalatorDeps, EscalatorMemory } from './escalator-deps.ts';
import { keepPager, tellChanges, whatToTell } from './pager-updates.ts';
import { addActivity, asksAssignee, findDue, isSilenced, readAttention } from './policy.ts';
import type { Attention, Question } from './policy.ts';
import { findReasons } from './reasons.ts';
import { sendEscalation } from './send-escalation.ts';

/** Asks the owner of an incident who went quiet. The board asks once for each key, so the note may come after it. */
async function askAgain(
  calling: Calling,
  { key, number, quietForMs }: Question,
): Promise<Incident> {
  const { deps, view } = calling;
  const { incident } = view;
  if (incident.assignee === null) return incident;
  const quiet = `nothing has happened for ${durationOfSeconds(quietForMs / 1000)}`;
  const sentence = `${toWho(incident.assignee.by)}, you own this incident and ${quiet}. Are you still on it?`;
  const { isDone } = await attempt(calling, 'ask', () =>
    deps.board.ask(incident, { key, sentence }),
  );
  if (!isDone) return incident;
  const facts = { asks: asksAssignee, number };
  const note: Note = { kind: 'incident-asked', sentence: null, facts };
  return changed(calling, addNote(deps, incident.id, note));
}

/** More are open incidents of dead targets, each of which has a page of its own. */
const mostRemembered = 1000;
/** A pager may take two minutes to refuse; the incident's message must not stand still for that. */
const answerWithinMs = 3000;

/** Calls people for incidents, as their policies say. Only the leader calls. */
export class Escalator {
  readonly #deps: EscalatorDeps;
  readonly #memories = new Map<string, EscalatorMemory>();
  readonly #busy = new Set<string>();

  constructor(deps: EscalatorDeps) {
    this.#deps = deps;
  }

  /**
   * Does what is due for an incident: the policy's steps and those asked for by hand, the pager's state, a question
   * to somebody who has it and went quiet. Writes to the journal before and after each, so that nothing is lost and
   * nothing is sent twice. Returns the incident as it then stands, within seconds: a call that takes longer goes on, and
   * until it is done further rounds of the same incident do nothing. What Slack or the pager refuse is written down and
   * tried again; throws only JournalUnavailable.
   */
  async advance(view: IncidentView): Promise<Incident> {
    const { incident } = view;
    if (this.#busy.has(incident.id)) return incident;
    return (await soon(this.#deps, incident.id, this.#work(view))) ?? incident;
  }

  async #work(view: IncidentView): Promise<Incident> {
    const { id } = view.incident;
    this.#busy.add(id);
    try {
      const calling = { deps: this.#deps, memory: this.#memoryOf(id), view };
      const called = await call(calling);
      const kept = await keepPager({ ...calling, view: { ...view, incident: called } });
      const told = await tellChanges({ ...calling, view: { ...view, incident: kept } });
      if (told.state !== 'open' && whatToTell(told) === null) this.#memories.delete(id);
      return told;
    } finally {
      this.#busy.delete(id);
    }
  }

  #memoryOf(id: string): EscalatorMemory {
    const memory = this.#memories.get(id) ?? createMemory(this.#deps);
    this.#memories.set(id, memory);
    const [oldest] = this.#memories.keys();
    if (this.#memories.size > mostRemembered && oldest !== undefined) this.#memories.delete(oldest);
    return memory;
  }
}

/** What the work comes to, or undefined where it takes longer; then what becomes of it is heard of as a fault. */
async function soon(
  { clock, onFault }: EscalatorDeps,
  id: string,
  work: Promise<Incident>,
): Promise<Incident | undefined> {
  const ended = new AbortController();
  const timeout = clock.sleep(answerWithinMs, ended.signal).then(
    () => undefined,
    () => undefined,
  );
  try {
    const first = await Promise.race([work, timeout]);
    if (first === undefined) work.catch((error: unknown) => onFault(id, error));
    return first;
  } finally {
    ended.abort();
  }
}

async function call(calling: Calling): Promise<Incident> {
  const { deps, memory, view } = calling;
  let { incident } = view;
  if (incident.state !== 'open') return incident;
  const nowMs = deps.clock.now();
  const { isWorkedOn, ask } = await attentionTo(deps, memory, incident);
  const reasons = findReasons(view, nowMs);
  const { judgedAtMs } = memory;
  const due = findDue(incident, reasons, { nowMs, judgedAtMs, isWorkedOn });
  memory.judgedAtMs = nowMs;
  for (const escalation of due) {
    if (memory.pauses.isOn(escalation.id)) continue;
    const explained = escalation.reasons.length > 0 ? escalation : { ...escalation, reasons };
    incident = await sendEscalation(
      { ...calling, view: { ...view, incident }, isWorkedOn },
      explained,
    );
  }
  if (ask === null || isSilenced(incident, nowMs)) return incident;
  return askAgain({ ...calling, view: { ...view, incident } }, ask);
}

/** The notes are read only where somebody could have gone quiet, and each of them once. */
async function attentionTo(
  { clock, log, rules: { askAgainAfterMs } }: EscalatorDeps,
  memory: EscalatorMemory,
  incident: Incident,
): Promise<Attention> {
  const nowMs = clock.now();
  const { assignee, id } = incident;
  const isFresh = assignee !== null && nowMs - Date.parse(assignee.at) < askAgainAfterMs;
  if (assignee !== null && !isFresh) {
    memory.activity = addActivity(memory.activity, await log.readNotes(id, memory.activity.upTo));
  }
  return readAttention(incident, memory.activity, { nowMs, askAgainAfterMs });
}
