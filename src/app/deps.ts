import type { Logger } from 'pino';
import type { Config } from '../config/config.ts';
import type { Environment } from '../config/environment.ts';
import type { SlackConfig } from '../config/slack-settings.ts';
import type { StoredJournal } from '../journal/stored-journal.ts';
import type { Approvals } from '../runbook/approvals/approvals.ts';
import type { ApprovalDeps } from '../runbook/approvals/context.ts';
import type { Check } from '../runbook/diagnose/doctor.ts';
import type { Incidents } from '../runbook/incidents/incidents.ts';
import type { SteadyClock } from '../runbook/incidents/steady-clock.ts';
import type { IncidentBoard } from '../runbook/reports/incident-board.ts';
import type { SlackApp } from '../slack/app.ts';
import type { Cards } from '../slack/live/request-cards.ts';
import type { Clock } from '../timing.ts';
import type { TargetSet } from './target-adapters.ts';

/** What differs between the bot, the terminal, the demo, the bench and the tests. */
export interface Deps {
  readonly clock: Clock;
  /** Told where the journal is not as safe as it should be. */
  readonly warn: (sentence: string) => void;
  /** Instead of what the configuration would reach: a demo's. Its names are the configuration's all the same. */
  readonly targets?: TargetSet;
  /** Nothing is made that could change something, what proposes, decides or runs refuses, and the journal is only read. */
  readonly readsOnly?: boolean;
  /** How long after a crash another process goes on with incidents and changes; 20 s unless given. */
  readonly leaseMs?: number;
  /** Between two messages of one kind in Slack; what Slack takes unless given. */
  readonly sendIntervalMs?: number;
  /** Stands between dbconn and its journal: a test of what a crash leaves behind counts the writes there. */
  readonly wrapJournal?: (journal: StoredJournal) => StoredJournal;
}

/** What an app goes on with when it takes the place of one with another configuration. */
export interface Before {
  readonly targets: TargetSet;
  /** The names of its targets. */
  readonly names: readonly string[];
  /** The rules of approval, the latest first: open requests stay under those they were made under. */
  readonly approvals: readonly Config['approval'][];
}

type Listeners = Pick<ApprovalDeps, 'onChange' | 'onFault' | 'isIncidentOver'>;

export type ApprovalOptions = Listeners & Partial<Pick<ApprovalDeps, 'people' | 'recentPeople'>>;

/**
 * All of dbconn for one configuration. Each part is loaded and made when it is first asked for, and once: a status in
 * a terminal loads no Slack, no journal and no Docker client.
 */
export interface App {
  readonly config: Config;
  /** Absent in the first one of a process. */
  readonly before?: Before;
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
  /** What doctor says, worst first; of Slack by the token of the environment. Changes and records nothing, and pages nobody. */
  doctor(target: string, environment: Environment): Promise<readonly Check[]>;
  /** Throws JournalUnavailable. */
  bot(slack: SlackConfig, log: Logger): Promise<Bot>;
  /** The same with another configuration: the journal stays open, and so do the connections that stay the same. */
  withConfig(next: Config): Promise<App>;
  /** Closes what was made. */
  close(): Promise<void>;
}

/** Beside what starts and ends it, the parts that it is made of. */
export interface Bot {
  readonly approvals: Approvals;
  readonly cards: Cards;
  readonly incidents: Incidents;
  readonly board: IncidentBoard;
  readonly slack: SlackApp;
  readonly targets: readonly string[];
  /** Where alerts, health and metrics are served; undefined while they are not. */
  readonly httpPort: number | undefined;
  /** Ends what the process before this one left unfinished, and comes up in Slack; while that is away it goes on trying. */
  start(): Promise<void>;
  /** The first look at each target opens its warm connection, so that there is one when the slots are gone. */
  warm(): Promise<void>;
  /**
   * Reads the configuration again and goes on with it. One that cannot be used is refused whole, and the one before stays.
   * Rejects where it cannot go on at all.
   */
  reload(read: () => BotConfig): Promise<void>;
  /** Takes nothing more on, ends what runs, closes everything. */
  stop(): Promise<void>;
}

/** What became of the configuration as it was read last. Sentences for people. */
export interface ConfigState {
  /** Why the one before stays in force; null where it was taken. */
  refused: string | null;
  /** What of it waits for a restart; null where nothing does. */
  restart: string | null;
}

export interface BotConfig {
  readonly config: Config;
  readonly slack: SlackConfig;
}
