import type { Logger } from 'pino';
import type { Config } from '../config/config.ts';
import { createHeartbeat, createPulse } from '../http/health.ts';
import type { HealthCheck } from '../http/health.ts';
import { createIncidentMarks } from '../journal/message-places.ts';
import type { StoredJournal } from '../journal/stored-journal.ts';
import type { Approvals } from '../runbook/approvals/approvals.ts';
import type { People } from '../runbook/approvals/people.ts';
import type { ApprovalRequest } from '../runbook/approvals/request.ts';
import { Auditor } from '../runbook/escalation/auditor.ts';
import type { AuditorDeps } from '../runbook/escalation/auditor.ts';
import { Escalator } from '../runbook/escalation/escalator.ts';
import type { Meter, Pager } from '../runbook/escalation/ports.ts';
import type { Incidents } from '../runbook/incidents/incidents.ts';
import type { SteadyClock } from '../runbook/incidents/steady-clock.ts';
import { IncidentLoop } from '../runbook/loop/incident-loop.ts';
import type { TargetMonitor } from '../runbook/loop/target-monitor.ts';
import type { IncidentBoard } from '../runbook/reports/incident-board.ts';
import { Reporter } from '../runbook/reports/reporter.ts';
import type { Notifier } from '../slack/live/notifier.ts';
import type { Clock } from '../timing.ts';
import { openIncidents } from './incidents.ts';
import { createJournalCheck } from './journal-check.ts';
import type { JournalCheck } from './journal-check.ts';

interface IncidentSystemDeps {
  readonly config: Config;
  readonly clock: Clock;
  /** The same, as the journal counts it. */
  readonly steady: SteadyClock;
  readonly log: Logger;
  readonly journal: StoredJournal;
  readonly monitor: TargetMonitor;
  readonly notifier: Notifier;
  readonly people: People;
  readonly approvals: Pick<Approvals, 'offers' | 'sweep'>;
  readonly pagerOf: (target: string) => Pager | undefined;
  readonly meter: Meter;
  /** How long after a crash another process goes on with the incidents. */
  readonly leaseMs?: number;
  /** Between two messages in Slack; what Slack takes unless given. */
  readonly sendIntervalMs?: number;
}

/** Everything about incidents: what changes them, the loop that leads them, and what watches that. */
export interface IncidentSystem {
  readonly incidents: Incidents;
  readonly board: IncidentBoard;
  /** Something about a request changed. */
  record(request: ApprovalRequest): void;
  readonly journalCheck: JournalCheck;
  /** What has to hold for it to be well. */
  readonly checks: readonly HealthCheck[];
  start(): void;
  /** Leads no more, and lets another process go on at once. */
  stop(): Promise<void>;
}

/** Often enough that a call for help that was missed is itself told within its minute. */
const auditMs = 10_000;
/** Far longer than a pause of this process, and short enough for the night. */
const defaultLeaseMs = 20_000;
const roundMs = 1000;
/** A round takes milliseconds, and waits 5 s for a locked journal: after this long only a new process helps. */
const stuckMs = 60_000;
const unwritableMs = 15_000;

export function openIncidentSystem(parts: IncidentSystemDeps): IncidentSystem {
  const { config, clock, steady, log, journal, notifier, people, monitor, meter, approvals } =
    parts;
  const { cards, notice } = notifier;
  const warn = (about: string, err: unknown): void =>
    log.warn({ err, incident: about }, 'Something about an incident has to be tried again');
  const board = openBoard(parts, () => incidentLoop.isLeading());
  const incidents = openIncidents({
    config,
    log: journal,
    clock,
    people,
    notice,
    ...(parts.sendIntervalMs !== undefined && { noticeEveryMs: 10 * parts.sendIntervalMs }),
    ...(cards.channel !== undefined && { channel: cards.channel }),
    onChange({ id, target, state, severity, version }) {
      log.info({ incident: id, target, state, severity, version }, 'An incident changed');
      incidentLoop.wake();
      // What was proposed for it waits for nobody any more.
      if (state === 'resolved') approvals.sweep().catch((err: unknown) => warn(id, err));
    },
    onFault: warn,
  });
  const going = createPulse({ name: 'round of the incidents', withinMs: stuckMs }, clock);
  const writing = createPulse({ name: 'journal', withinMs: unwritableMs, weight: 'ready' }, clock);
  const { leaseMs = defaultLeaseMs } = parts;
  const journalCheck = createJournalCheck({ ...parts, announcements: notifier.announcements });
  const { targets } = monitor;
  const shared = { log: journal, board, clock: steady, targets, rules: config.incidents };
  const incidentLoop = new IncidentLoop({
    ...shared,
    incidents,
    monitor,
    escalator: new Escalator({ ...parts, ...shared, ...announcing(parts), onFault: warn }),
    reporter: new Reporter({ ...shared, onFault: warn }),
    meter,
    holder: { id: crypto.randomUUID(), forMs: leaseMs },
    // Prolonged several times before it runs out.
    everyMs: Math.min(roundMs, leaseMs / 4),
    onRound(isGood) {
      going.beat();
      if (isGood) writing.beat();
    },
    onFault: warn,
  });
  const auditor = openAuditor(parts);
  const timed = keepTime(parts, { incidentLoop, auditor, journalCheck });
  const record = (request: ApprovalRequest): void => {
    incidents.requestChanged(request).catch((err: unknown) => warn(`request ${request.id}`, err));
    incidentLoop.wake();
  };
  const checks = [going.check, writing.check, journalCheck.check, toCheck(auditor)];
  return { incidents, board, record, journalCheck, checks, ...timed };
}

function openBoard(
  { journal, notifier, monitor, approvals, sendIntervalMs }: IncidentSystemDeps,
  isLeading: () => boolean,
): IncidentBoard {
  return notifier.openBoard({
    log: journal,
    marks: createIncidentMarks(journal),
    targets: monitor.targets,
    offers: (target) => approvals.offers(target),
    isLeading,
    ...(sendIntervalMs !== undefined && { intervals: { urgentMs: 2 * sendIntervalMs } }),
  });
}

function announcing({
  notifier: { announcements, cards },
}: IncidentSystemDeps): Pick<AuditorDeps, 'announcements' | 'channel'> {
  return { announcements, channel: cards.channel };
}

function openAuditor(parts: IncidentSystemDeps): Auditor {
  const { config, steady, log, journal, meter, monitor } = parts;
  return new Auditor({
    ...announcing(parts),
    log: journal,
    clock: steady,
    rules: config.incidents,
    meter,
    targets: monitor.targets,
    holderId: crypto.randomUUID(),
    onFault: (err) => log.warn({ err }, 'The calls for help could not be audited'),
  });
}

function toCheck(auditor: Auditor): HealthCheck {
  return {
    name: 'calls for help',
    weight: 'told',
    read() {
      // Counted: people who reach the port need not know which targets are in trouble.
      const { length } = auditor.overdue();
      return length === 0 ? null : `Calls for help that are overdue: ${length}.`;
    },
  };
}

interface Timed {
  readonly incidentLoop: IncidentLoop;
  readonly auditor: Auditor;
  readonly journalCheck: JournalCheck;
}

function keepTime(
  { config: { heartbeat }, log }: IncidentSystemDeps,
  { incidentLoop, auditor, journalCheck }: Timed,
): Pick<IncidentSystem, 'start' | 'stop'> {
  const timers: NodeJS.Timeout[] = [];
  const every = (ms: number, work: () => Promise<void>): void => {
    void work();
    timers.push(setInterval(() => void work(), ms));
  };
  return {
    start() {
      incidentLoop.start();
      every(auditMs, () => auditor.audit());
      if (heartbeat === undefined) return;
      const problems = (): string[] => [...auditor.overdue(), ...journalCheck.problems()];
      every(heartbeat.every, createHeartbeat({ url: heartbeat.url, fetch, problems, log }));
    },
    async stop() {
      for (const timer of timers) clearInterval(timer);
      await incidentLoop.stop();
    },
  };
}
