import type { Door } from '../runbook/approval/door.ts';
import type { Announcements, Journal } from '../runbook/ports.ts';
import type { Cards } from './cards/cards.ts';

/** What a dbconn needs that may change something: the one door, and where people hear of it. */
export interface Changes {
  readonly door: Door;
  readonly journal: Pick<Journal, 'record'>;
  readonly cards: Cards;
  readonly announcements: Announcements;
}
