import type { Logger } from 'pino';
import type { HttpServer } from '../http/server.ts';
import type { StoredJournal } from '../journal/stored-journal.ts';
import type { Approvals } from '../runbook/approvals/approvals.ts';
import { stopNotice } from '../runbook/approvals/notices.ts';
import { isOpen } from '../runbook/approvals/request.ts';
import type { ApprovalRequest } from '../runbook/approvals/request.ts';
import type { BreakGlassNotifier } from '../runbook/escalation/break-glass-notifier.ts';
import type { TargetMonitor } from '../runbook/loop/target-monitor.ts';
import type { SlackApp } from '../slack/app.ts';
import type { Notifier } from '../slack/live/notifier.ts';
import { createTurns, poll, within } from '../timing.ts';
import type { Clock } from '../timing.ts';
import type { Bot } from './deps.ts';
import type { IncidentSystem } from './incident-system.ts';

/** How often overdue proposals expire and what other processes wrote to the journal is shown. */
const roundMs = 30_000;
/** A bot that was away for longer than this is started by somebody who reads what happened. */
const endedWithinMs = 60 * 60_000;
/** No request waits, runs and is looked after for longer. */
const proposedWithinMs = 6 * endedWithinMs;
/** Of one target: each costs a call of Slack. */
const mostFinished = 10;
/** How soon somebody finishes what a process that died was doing, beside the 20 s of its lease. */
const takeOverMs = 5000;
/** The longest a change may go on after SIGTERM: a restart of PostgreSQL under load takes minutes. */
const drainMs = 10 * 60_000;
/** All of some hundred targets in the same moment would be a burst of memory, and of connections on their servers. */
const mostWarmedAtOnce = 8;
/** After this long stopping no longer waits for Slack's limits. */
const lastWordsMs = 5000;

interface BotInParts {
  readonly clock: Clock;
  readonly app: SlackApp;
  readonly approvals: Approvals;
  readonly journal: StoredJournal;
  readonly monitor: TargetMonitor;
  readonly notifier: Notifier;
  readonly brokenGlass: BreakGlassNotifier;
  readonly incidentSystem: IncidentSystem;
  /** Undefined where no port is configured. */
  readonly http: HttpServer | undefined;
  /** Ends what waits to be tried again. */
  readonly stopping: AbortController;
  /** How long after a crash a change is taken over; 20 s unless given. */
  readonly leaseMs?: number;
  readonly log: Logger;
}

/** The bot with one configuration. The targets and the journal are closed by what opened them. */
export interface RunningBot extends Omit<Bot, 'reload'> {
  /**
   * Leads no more and leaves its ports, so that one with another configuration can start. Over a socket Slack still reaches
   * it until then: no press in between is lost.
   */
  handOver(): Promise<void>;
  /** After that: hears nothing more, and brings the changes that it began to their end, with what came of them. */
  finish(): Promise<void>;
}

/** Starts the parts in their order, goes round, and ends them in theirs. */
export function runBot(parts: BotInParts): RunningBot {
  const { app, approvals, monitor, notifier, incidentSystem, http, leaseMs = takeOverMs } = parts;
  const { cards } = notifier;
  const { incidents, board } = incidentSystem;
  const round = createRound(parts);
  let rounds: NodeJS.Timeout | undefined;
  let takeOvers: NodeJS.Timeout | undefined;
  const endTimers = (): void => {
    clearInterval(rounds);
    clearInterval(takeOvers);
  };
  return {
    approvals,
    cards,
    incidents,
    board,
    slack: app,
    targets: monitor.targets.map(({ name }) => name),
    get httpPort() {
      return http?.port;
    },
    async start() {
      await takeOver(parts);
      // Alerts are kept before anything is done about them: one that arrives while dbconn comes up is not lost.
      await http?.open();
      incidentSystem.start();
      rounds = setInterval(() => void round(), roundMs);
      takeOvers = setInterval(() => void takeOver(parts), Math.min(takeOverMs, leaseMs));
      // Checks, alerts and pages do not wait for Slack, which may be away.
      await app.start();
      await finishCards(parts);
      await round();
    },
    async warm() {
      const turns = createTurns(mostWarmedAtOnce);
      await Promise.all(
        monitor.targets.map(({ name }) => turns.take(() => monitor.diagnose(name))),
      );
    },
    async stop() {
      endTimers();
      await Promise.all([app.stop(), http?.close()]);
      // While a change still runs, its incident is kept up to date.
      await endChanges(parts);
      parts.stopping.abort();
      await incidentSystem.stop();
    },
    async handOver() {
      endTimers();
      const hasPort = app.state.port !== undefined;
      await Promise.all([http?.close(), hasPort ? app.stop() : undefined]);
      await incidentSystem.stop();
    },
    async finish() {
      await app.stop();
      await settleAll(parts);
      await endChanges(parts);
      parts.stopping.abort();
    },
  };
}

/** A target may be gone from the next configuration, so what came of its change is seen to here. */
async function settleAll({ approvals, clock }: BotInParts): Promise<void> {
  const polling = { everyMs: takeOverMs, withinMs: drainMs, clock };
  // A journal that is away for a moment is no reason to leave them.
  const open = await poll(polling, async (isOver) => {
    const listed = await approvals.list();
    return listed.ok ? listed.value : isOver() ? [] : undefined;
  });
  const settled = Promise.all(open.map(({ id }) => approvals.settled(id)));
  await within(settled, drainMs, clock);
}

async function takeOver({ approvals, log }: BotInParts): Promise<void> {
  try {
    const taken = await approvals.takeOver();
    if (!taken.ok) log.error({ problem: taken.refusal.next }, 'Nothing could be taken over');
    else for (const { id, state } of taken.value) log.warn({ request: id, state }, 'Taken over');
  } catch (err) {
    log.error({ err }, 'Taking over failed');
  }
}

/** What is shown of open proposals, and what other processes did. */
function createRound(parts: BotInParts): () => Promise<void> {
  const { approvals, incidentSystem, log, brokenGlass, notifier } = parts;
  const tellStop = watchStops(approvals, notifier);
  return async () => {
    await incidentSystem.journalCheck.verify();
    try {
      const swept = await approvals.sweep();
      if (!swept.ok) log.warn({ problem: swept.refusal.next }, 'Overdue proposals stay open');
      await notifier.cards.catchUp(approvals);
      await brokenGlass.catchUp();
      await tellStop();
    } catch (err) {
      log.error({ err }, 'A round through the open proposals failed');
    }
  };
}

async function endChanges({ approvals, notifier, brokenGlass, log }: BotInParts): Promise<void> {
  const running = await approvals.drain(drainMs);
  if (running.length > 0) {
    const next = 'another dbconn takes them over when their lease has run out, within 20 s';
    log.error({ requests: running }, `Changes still run and are left: ${next}`);
  }
  await Promise.all([notifier.cards.drain(lastWordsMs), brokenGlass.idle(lastWordsMs)]);
}

/** The process that told of a request's end may have been killed before its card said so; open ones are caught up with. */
async function finishCards({ clock, journal, monitor, notifier, log }: BotInParts): Promise<void> {
  if (notifier.cards.channel === undefined) return;
  const since = new Date(clock.now() - proposedWithinMs).toISOString();
  const after = new Date(clock.now() - endedWithinMs).toISOString();
  try {
    for (const { name: target } of monitor.targets) {
      const requests = await journal.readRequestsSince({ target, since });
      const ended = requests.filter((one) => !isOpen(one) && endOf(one) > after);
      notifier.cards.finish(ended.slice(-mostFinished));
    }
  } catch (err) {
    log.error({ err }, 'Whether the cards of ended requests are complete could not be read');
  }
}

function endOf({ closing, result, proposedAt }: ApprovalRequest): string {
  return closing?.at ?? result?.endedAt ?? proposedAt;
}

/** Tells the channel of a stop that another process set. One of Slack's was told when it was typed. */
function watchStops(approvals: Approvals, { announcements, cards }: Notifier): () => Promise<void> {
  let toldAt: string | undefined;
  return async () => {
    const found = await approvals.stopped();
    const stop = found.ok ? found.value : null;
    if (stop === null || stop.at === toldAt || stop.by.startsWith('<@')) return;
    if (cards.channel === undefined) return;
    await announcements.announce({
      to: cards.channel,
      mention: null,
      ...stopNotice(stop),
      // Every process on the journal finds it.
      key: `stop/${stop.at}`,
      mayStand: true,
    });
    toldAt = stop.at;
  };
}
