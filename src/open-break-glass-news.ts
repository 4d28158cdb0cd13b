import type { Logger } from 'pino';
import type { Config } from './config/config.ts';
import type { StoredJournal } from './journal/stored-journal.ts';
import { createBreakGlassNotifier, toldKind } from './runbook/approval/announce-break-glass.ts';
import type { BreakGlassNotifier } from './runbook/approval/announce-break-glass.ts';
import type { Clock } from './runbook/snapshot/ports.ts';
import type { Pager } from './runbook/escalation/pager.ts';
import type { Notifier } from './slack/live/notifier.ts';

interface BreakGlassParts {
  readonly config: Config;
  readonly clock: Clock;
  readonly log: Logger;
  readonly journal: StoredJournal;
  readonly notifier: Pick<Notifier, 'announcements'>;
  readonly pagerOf: (target: string) => Pager | undefined;
}

/** Tells everybody of what ran without its votes. */
export function openBreakGlassNotifier(parts: BreakGlassParts): BreakGlassNotifier {
  const { config, clock, log, journal, notifier, pagerOf } = parts;
  return createBreakGlassNotifier({
    announcements: notifier.announcements,
    channel: config.channel,
    contacts: new Map(config.targets.map(({ target }) => [target.name, target.contacts])),
    pagerOf,
    journal,
    wasTold: async (id) => (await journal.entries(id)).some(({ kind }) => kind === toldKind),
    actions: config.approval.breakGlass.actions,
    clock,
    onFault: (request, err) => log.error({ err, request }, 'A break-glass could not be announced'),
  });
}
