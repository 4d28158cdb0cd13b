import { count, list } from '../snapshot/words.ts';
import type { Incident } from '../incident/incident.ts';
import { checklist } from '../incidents/checklist.ts';

/** The items nobody ticked, in the runbook's order. */
export function openItems({
  checklist: ticks,
}: Pick<Incident, 'checklist'>): (typeof checklist)[number][] {
  return checklist.filter(({ id }) => ticks.every(({ item }) => item !== id));
}

/** Who is asked, and for what: whoever had the incident, else whoever closed it. */
export function openItemsQuestion(incident: Incident): {
  readonly key: string;
  readonly sentence: string;
} {
  const { id, assignee, closing, reopenedAt } = incident;
  const person = [assignee?.by, closing?.by].find((one) => one?.via === 'slack');
  const open = openItems(incident);
  const left = `${count(open.length, 'item')} of the post-incident checklist ${open.length === 1 ? 'is' : 'are'} still open`;
  const items = list(open.map(({ title }) => title.toLowerCase()));
  const begin = person === undefined || person === null ? '' : `<@${person.id}> `;
  return {
    key: `checklist-ask:${id}:${reopenedAt.length}`,
    sentence: `${begin}${left}: ${items}.`,
  };
}
