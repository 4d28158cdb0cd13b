import type { Logger } from 'pino';
import type { Bot } from './app/run-bot.ts';
import type { TargetSet } from './app/target-adapters.ts';
import type { Config } from './config/config.ts';
import type { SlackConfig } from './config/slack-settings.ts';
import type { StoredJournal } from './journal/stored-journal.ts';
import type { Approvals } from './runbook/approvals/approvals.ts';
import type { ApprovalDeps } from './runbook/approvals/context.ts';
import type { Check } from './runbook/diagnose/doctor.ts';
import type { Incidents } from './runbook/incidents/incidents.ts';
import type { SteadyClock } from './runbook/incidents/steady-clock.ts';
import type { Clock } from './timing.ts';

/** What differs between the bot, the terminal, the demo, the bench and the tests. */
export interface Deps {
  readonly clock: Clock;
  /** Told where the journal is not as safe as it should be. */
  readonly warn: (sentence: string) => void;
  /** Instead of what the configuration would reach: a demo's. Its names are the configuration's all the same. */
  readonly targets?: TargetSet;
  /** How long after a crash another process goes on with incidents and changes; 20 s unless given. */
  readonly leaseMs?: number;
  /** Between two messages of one kind in Slack; what Slack takes unless given. */
  readonly sendIntervalMs?: number;
  /** Stands between dbconn and its journal: a test of what a crash leaves behind counts the writes there. */
  readonly wrapJournal?: (journal: StoredJournal) => StoredJournal;
}

type Listeners = Pick<ApprovalDeps, 'onChange' | 'onFault'>;
export type ApprovalOptions = Listeners & Partial<Pick<ApprovalDeps, 'people' | 'recentPeople'>>;

/**
 * All of dbconn for one configuration. Each part is loaded and made when it is first asked for, and once: a status in
 * a terminal loads no Slack, no journal and no Docker client.
 */
export interface App {
  readonly config: Config;
  readonly deps: Deps;
  /** What reaches each target, and what watches it. Throws ConfigError. */
  targets(): Promise<TargetSet>;
  /** Throws JournalUnavailable where nothing could be recorded. */
  journal(): Promise<StoredJournal>;
  /** The clock as the journal counts it. */
  steadyClock(): Promise<SteadyClock>;
  /** The one way to change something. Throws JournalUnavailable. */
  approvals(options: ApprovalOptions): Promise<Approvals>;
  /** The same, which records nothing and so can only plan. */
  dryRun(options: Listeners): Promise<Approvals>;
  /** The incidents of the journal, for somebody who reads or opens them. */
  incidents(): Promise<Incidents>;
  /** What doctor says of the rules of approval and of whom an incident calls. Records and pages nothing. */
  checkRules(target: string): Promise<readonly Check[]>;
  /** Throws JournalUnavailable. */
  bot(slack: SlackConfig, log: Logger): Promise<Bot>;
  /** Closes what was made. */
  close(): Promise<void>;
}

/** The one composition root: nothing else wires adapters. */
export function createApp(config: Config, deps: Deps): App {
  const targets = once(async () => {
    if (deps.targets !== undefined) return deps.targets;
    const { openTargets } = await import('./app/target-adapters.ts');
    return openTargets(config, deps.clock);
  });
  const journal = once(async () => {
    const { openJournal } = await import('./app/journal.ts');
    const opened = await openJournal(config, deps.clock, deps.warn);
    return deps.wrapJournal?.(opened) ?? opened;
  });
  const steadyClock = once(async () => {
    const { openSteadyClock } = await import('./runbook/incidents/steady-clock.ts');
    return openSteadyClock(await journal.get(), deps.clock);
  });
  const app: App = {
    config,
    deps,
    targets: targets.get,
    journal: journal.get,
    steadyClock: steadyClock.get,
    async approvals(options) {
      const { openApprovals } = await import('./app/approvals.ts');
      const parts = { journal: await journal.get(), clock: await steadyClock.get() };
      return openApprovals(app, { ...options, ...parts, ...(await targets.get()) });
    },
    async dryRun(options) {
      const { openDryRun } = await import('./app/approvals.ts');
      return openDryRun(app, { ...options, ...(await targets.get()) });
    },
    async incidents() {
      const { openIncidents } = await import('./app/incidents.ts');
      return openIncidents({ config, log: await journal.get(), clock: deps.clock });
    },
    async checkRules(target) {
      const { checkRules } = await import('./app/doctor-checks.ts');
      return checkRules(app, target);
    },
    async bot(slack, log) {
      const { openBot } = await import('./app/bot.ts');
      return openBot({ app, slack, log });
    },
    async close() {
      await (await targets.made())?.runbook.close();
      await (await journal.made())?.close();
    },
  };
  return app;
}

interface Once<T> {
  readonly get: () => Promise<T>;
  /** Undefined where nobody asked for it, or it could not be made. */
  readonly made: () => Promise<T | undefined>;
}

function once<T>(make: () => Promise<T>): Once<T> {
  let made: Promise<T> | undefined;
  return {
    get: () => (made ??= make()),
    made: async () => made?.catch(() => undefined),
  };
}
