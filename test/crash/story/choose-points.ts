import type { Point } from './point.ts';

/** How often these happen depends on how fast a machine is: the first of them have to do for all. */
const many = /^(?:incident-told|incident-seen|looked|chat\.postMessage .* in a thread)$/;
const mostOfMany = 2;
/** One patient's service has one replica, another's two. */
const perReplica = /^step-/;
/** Writes about a request alone: the remedies' matrix kills at both sides of each of them. */
const ofRequest = /^(?:proposed|posted|vote|executing|step-|verifying|looked|done|taken-over)/;
/** Calls of Slack and of the pager. What comes before one is the write before it. */
const call = /^(?:chat\.|files\.|page )/;

/**
 * Everywhere a bot can be killed in the story that a whole run told: right before and right after each write about
 * the incident, after each about its request, and when Slack or the pager has taken something and the bot has not heard of it.
 */
export function choosePoints(did: readonly string[]): Point[] {
  const counts = new Map<string, number>();
  return did.flatMap((label) => {
    const nth = (counts.get(label) ?? 0) + 1;
    counts.set(label, nth);
    if (many.test(label) && nth > mostOfMany) return [];
    if (perReplica.test(label) && nth > 1) return [];
    const after = { label, nth, when: 'after' } as const;
    return call.test(label) || ofRequest.test(label)
      ? [after]
      : [{ label, nth, when: 'before' } as const, after];
  });
}

/** Deals the points out to so many stories that each has at most that many, far from each other. */
export function deal(points: readonly Point[], atMost: number): Point[][] {
  const stories = Math.ceil(points.length / atMost);
  return Array.from({ length: stories }, (_, story) =>
    points.filter((_point, index) => index % stories === story),
  );
}
