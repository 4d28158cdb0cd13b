import type { Announcement, Stop } from '../ports.ts';

/** What everybody in the incident channel has to know of an emergency stop. */
export function stopNotice({ by, reason }: Stop): Pick<Announcement, 'headline' | 'quote'> {
  const headline = `All changes are stopped, by ${by}. An approver lets them run again with /dbconn go.`;
  return { headline, quote: reason === '' ? null : reason };
}
