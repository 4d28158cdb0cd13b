import type { Incident } from '../incident/incident.ts';

/** Since when an incident stands: an incident that came back lives once more, and calls people once more. */
export function lifeStartMs({
  openedAt,
  reopenedAt,
}: Pick<Incident, 'openedAt' | 'reopenedAt'>): number {
  return Date.parse(reopenedAt.at(-1) ?? openedAt);
}

/** `step-0`, and `step-0-1` after the incident came back: each life takes each step once. */
export function stepId(index: number, { reopenedAt }: Pick<Incident, 'reopenedAt'>): string {
  const lives = reopenedAt.length;
  return lives === 0 ? `step-${index}` : `step-${index}-${lives}`;
}
