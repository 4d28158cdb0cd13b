import type { Logger } from 'pino';
import type { Config } from '../config/config.ts';
import type { StoredJournal } from '../journal/stored-journal.ts';
import type { Announcements } from '../runbook/approvals/notices.ts';
import type { Check } from '../runbook/diagnose/doctor.ts';
import { createBreakGlassNotifier, toldKind } from '../runbook/escalation/break-glass-notifier.ts';
import type { BreakGlassNotifier } from '../runbook/escalation/break-glass-notifier.ts';
import type { Page, Pager } from '../runbook/escalation/ports.ts';
import type { Notifier } from '../slack/live/notifier.ts';
import { createRefusals } from '../slack/live/refusals.ts';
import type { Refusals } from '../slack/live/refusals.ts';
import type { Clock } from '../timing.ts';
import type { ConfigState } from './deps.ts';

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

interface RefusalsParts {
  readonly config: Pick<Config, 'channel' | 'targets'>;
  readonly clock: Pick<Clock, 'now'>;
  readonly log: Pick<Logger, 'error' | 'warn' | 'info'>;
  readonly announcements: Announcements;
  readonly pagerOf: (target: string) => Pager | undefined;
}

/** More are no contacts, but a mistake in dbconn.yml. */
const mostPeople = 10;

/**
 * Hears whether Slack takes what dbconn says in the incident channel. Where it does not, that is said once by another
 * way: in the log, to the contacts directly, and to the pagers: a direct message wakes nobody.
 */
export function openRefusals(parts: RefusalsParts): Refusals {
  const { config, log, pagerOf } = parts;
  const pagers = new Set(config.targets.flatMap(({ target }) => pagerOf(target.name) ?? []));
  const paged = new Set<Pager>();
  let telling = Promise.resolve();
  const tell = async (problem: string): Promise<void> => {
    const people = tellPeople(parts, problem);
    for (const pager of pagers) {
      if (await page(parts, pager, { action: 'trigger', problem })) paged.add(pager);
    }
    if (!(await people) && paged.size === 0) {
      log.error('No other way to tell people is configured. Set contacts or pager');
    }
  };
  const end = async (): Promise<void> => {
    for (const pager of paged) {
      await page(parts, pager, { action: 'resolve', problem: 'Slack takes it again.' });
    }
    paged.clear();
  };
  return createRefusals({
    channel: config.channel,
    onRefused(problem) {
      log.error({ problem }, 'Slack refuses what dbconn says');
      telling = telling.then(() => tell(problem));
    },
    onTaken() {
      log.info('Slack takes what dbconn says again');
      telling = telling.then(end);
    },
  });
}

/** False where nobody took it, or nobody is configured. A group has no direct messages. */
async function tellPeople(
  { config, announcements, log }: RefusalsParts,
  problem: string,
): Promise<boolean> {
  const contacts = config.targets.flatMap(({ target: { contacts: one } }) =>
    [one.onCall, one.databaseAdmins, one.backendLead].filter((id) => id !== undefined),
  );
  const people = [...new Set(contacts.filter((id) => /^[UW]/.test(id)))].slice(0, mostPeople);
  const headline = `${problem} Until then incidents do not show there.`;
  const told = await Promise.allSettled(
    people.map((to) => announcements.announce({ to, mention: null, headline, quote: null })),
  );
  for (const one of told) {
    if (one.status === 'rejected')
      log.warn({ err: one.reason as unknown }, 'A contact could not be notified');
  }
  return told.some(({ status }) => status === 'fulfilled');
}

interface Told {
  readonly action: Page['action'];
  readonly problem: string;
}

async function page(
  { config, clock, log }: RefusalsParts,
  pager: Pager,
  { action, problem }: Told,
): Promise<boolean> {
  try {
    await pager.page({
      action,
      key: `dbconn/slack/${config.channel ?? 'token'}`,
      target: 'dbconn',
      severity: 'warning',
      summary: problem,
      at: new Date(clock.now()).toISOString(),
      details: {},
      links: [],
    });
    return true;
  } catch (err) {
    log.warn(
      { err, pager: pager.name },
      'A pager could not be notified that Slack refuses messages',
    );
    return false;
  }
}

/** For doctor: what of dbconn.yml is not in force. */
export function checkConfigState({ refused, restart }: ConfigState): Check[] {
  const subject = 'Configuration';
  const fix = 'Run dbconn config check: it names every problem of the file.';
  return [
    ...(refused === null ? [] : [{ subject, state: 'missing', summary: refused, fix } as const]),
    ...(restart === null
      ? []
      : [{ subject, state: 'warning', summary: restart, fix: 'Restart dbconn.' } as const]),
  ];
}
