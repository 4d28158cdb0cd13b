import type { Announcement, Stop } from '../snapshot/ports.ts';

/** What everybody in the incident channel has to know of an emergency stop. */
export function stopNotice({ by, reason, lift }: Stop): Pick<Announcement, 'headline' | 'quote'> {
  const next = lift ?? 'An approver lets them run again with /dbconn go.';
  const headline = `All changes are stopped, by ${by}. ${next}`;
  return { headline, quote: reason === '' ? null : reason };
}
