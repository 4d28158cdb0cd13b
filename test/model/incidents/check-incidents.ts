import { closeAfterMs } from './rules.ts';
import type { IncidentSystem } from './system.ts';

/** What holds after every command. */
export async function checkIncidents({ rules, faults, anybody }: IncidentSystem): Promise<void> {
  if (faults.length > 0) throw new AggregateError(faults, 'Something broke behind an answer.');
  const verified = await anybody?.journal.verify();
  if (verified?.ok === false) rules.broken.push(`The journal says ${verified.problem}`);
  for (const { id } of rules.lives.values()) {
    const notes = (await anybody?.journal.readNotes(id, 0)) ?? [];
    const told = notes.filter(({ kind }) => kind === 'incident-escalated');
    const calls = told.map(({ facts }) => String(facts?.['step']));
    if (new Set(calls).size < calls.length) rules.broken.push(`${id} tells a call twice.`);
    const opened = notes.filter(({ kind }) => kind === 'incident-opened');
    if (anybody !== undefined && opened.length !== 1) rules.broken.push(`${id} opened otherwise.`);
  }
  if (rules.broken.length > 0) throw new Error(rules.broken.join(' '));
}

/** Once all is well and everybody listens, every incident ends, and so does its page. */
export async function checkEnd(system: IncidentSystem): Promise<void> {
  const { alertmanager, rules, outside, sights } = system;
  for (const number of [0, 1]) await system.setUp(number, true);
  outside.mood = 'takes';
  for (const target of sights.keys()) sights.set(target, 'calm');
  await alertmanager.endAll(system);
  // A lease runs out, people who opened one by hand wait five minutes, and a refused page waits up to five.
  await system.pass(closeAfterMs + 7 * 60_000);
  for (const { id, state } of rules.lives.values()) {
    if (state !== 'resolved') rules.broken.push(`${id} is ${state} for ever.`);
  }
  for (const [key, action] of outside.pages) {
    if (action !== 'resolve') rules.broken.push(`The page ${key} stands at ${action}.`);
  }
  await checkIncidents(system);
}
