import { randomUUID } from 'node:crypto';
import type { ChangeEvent, Event } from './events.ts';

/** An incident as somebody on call would see it. */
export interface LocalPage {
  readonly key: string;
  readonly summary: string;
  readonly severity: string;
  readonly details: Readonly<Record<string, unknown>>;
  state: 'triggered' | 'acknowledged' | 'resolved';
  /** What it was told, in order, repetitions included. */
  readonly heard: string[];
}

/** A PagerDuty service: what its events do to its incidents. */
interface LocalService {
  /** Returns the key the event is about. */
  readonly take: (event: Event) => string;
  readonly change: (event: ChangeEvent) => void;
  /** Oldest first. */
  readonly pages: readonly LocalPage[];
  readonly changes: readonly string[];
}

export function createLocalService(): LocalService {
  const pages: LocalPage[] = [];
  const changes: string[] = [];
  return {
    pages,
    changes,
    take(event) {
      const key = event.dedup_key ?? randomUUID();
      const open = pages.find((page) => page.key === key && page.state !== 'resolved');
      if (open !== undefined) {
        open.heard.push(event.event_action);
        if (event.event_action === 'acknowledge') open.state = 'acknowledged';
        if (event.event_action === 'resolve') open.state = 'resolved';
        return key;
      }
      // An acknowledgement or a resolution of what is not open is taken, and dropped.
      if (event.event_action !== 'trigger') return key;
      const { summary, severity, custom_details: details = {} } = event.payload;
      pages.push({ key, summary, severity, details, state: 'triggered', heard: ['trigger'] });
      return key;
    },
    change: ({ payload }) => void changes.push(payload.summary),
  };
}
