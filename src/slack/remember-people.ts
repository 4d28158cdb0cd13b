import type { Clock } from '../runbook/snapshot/ports.ts';
import type { People } from '../runbook/ports/people.ts';

/** Twice a minute for each Home tab that is open: Slack answers 20 questions about groups a minute. */
const freshMs = 30_000;
/** More people than this at one incident, and the oldest answers are asked for again. */
const mostKept = 500;

/** Answers up to 30 s old, for what is shown. Never for what is decided. */
export function rememberPeople(people: People, clock: Pick<Clock, 'now'>): People {
  return {
    readPerson: createMemory((user) => people.readPerson(user), clock),
    readGroup: createMemory((group) => people.readGroup(group), clock),
  };
}

/** Answers from memory while they are fresh, and asks once for many who want the same. A failure is not kept. */
function createMemory<T extends { readonly ok: boolean }>(
  read: (key: string) => Promise<T>,
  clock: Pick<Clock, 'now'>,
): (key: string) => Promise<T> {
  const kept = new Map<string, { readonly atMs: number; readonly answer: Promise<T> }>();
  return async (key) => {
    const known = kept.get(key);
    if (known !== undefined && Math.abs(clock.now() - known.atMs) < freshMs) return known.answer;
    const answer = read(key);
    const entry = { atMs: clock.now(), answer };
    kept.delete(key);
    kept.set(key, entry);
    const [oldest] = kept.keys();
    if (kept.size > mostKept && oldest !== undefined) kept.delete(oldest);
    const found = await answer;
    if (!found.ok && kept.get(key) === entry) kept.delete(key);
    return found;
  };
}
