import type { Logger } from 'pino';
import type { Config } from '../config/config.ts';
import type { SlackConfig } from '../config/slack-settings.ts';
import type { Metrics } from '../http/metrics.ts';
import { createPlaces } from '../journal/message-places.ts';
import type { StoredJournal } from '../journal/stored-journal.ts';
import type { Approvals } from '../runbook/approvals/approvals.ts';
import type { Announcement, Announcements } from '../runbook/approvals/notices.ts';
import { isOpen } from '../runbook/approvals/request.ts';
import type { ApprovalRequest } from '../runbook/approvals/request.ts';
import type { Meter } from '../runbook/escalation/ports.ts';
import { isIncidentOver } from '../runbook/incidents/incident-log.ts';
import { causeOf } from '../runbook/incidents/incident.ts';
import type { TargetMonitor } from '../runbook/loop/target-monitor.ts';
import { createRecords } from '../runbook/reports/reporter.ts';
import { createSlackApp } from '../slack/app.ts';
import type { SlackApp } from '../slack/app.ts';
import { createClient } from '../slack/connection/client.ts';
import type { Changes } from '../slack/handlers/deps.ts';
import { createHome } from '../slack/home/home.ts';
import { rememberSummaries } from '../slack/home/target-summaries.ts';
import { createNotifier } from '../slack/live/notifier.ts';
import type { Notifier } from '../slack/live/notifier.ts';
import type { Refusals } from '../slack/live/refusals.ts';
import type { Circumstances } from '../slack/messages/request-status.ts';
import { createPeople, rememberPeople } from '../slack/people.ts';
import type { App, ConfigState, Deps } from './deps.ts';
import { openHttp } from './http.ts';
import { openIncidentSystem } from './incident-system.ts';
import type { IncidentSystem } from './incident-system.ts';
import { checkAround, openPagers } from './incidents.ts';
import { checkConfigState, openBreakGlassNotifier, openRefusals } from './notices.ts';
import { runBot } from './run-bot.ts';
import type { RunningBot } from './run-bot.ts';

export interface BotParts {
  readonly app: App;
  readonly slack: SlackConfig;
  readonly log: Logger;
  /** Counts on when the configuration is replaced. */
  readonly meter: Metrics;
  readonly configState: ConfigState;
  /** It takes the place of one that was in Slack with the same tokens. */
  readonly wasIn?: boolean;
}

export interface ConfiguredBot extends RunningBot {
  readonly announcements: Announcements;
}

/** Builds the bot for one configuration. Throws JournalUnavailable where it could not record anything. */
export async function openBot(parts: BotParts): Promise<ConfiguredBot> {
  const { app, slack, log, configState } = parts;
  const { config, deps } = app;
  const { clock } = deps;
  const { monitor, readSummaries } = rememberSummaries((await app.targets()).monitor);
  const [journal, steady] = [await app.journal(), await app.steadyClock()];
  const stopping = new AbortController();
  const pagerOf = openPagers(config, { clock, log, signal: stopping.signal });
  const { notifier, meter, refusals } = openNotifier(parts, {
    journal,
    pagerOf,
    readCircumstances: (request) => readCircumstances({ approvals, incidents }, request),
  });
  const client = createClient(slack.botToken, { ...addressOf(slack), log, meter });
  const people = createPeople(client, log);
  const brokenGlass = openBreakGlassNotifier({ config, clock, log, journal, notifier, pagerOf });
  const approvals = await app.approvals({
    people,
    recentPeople: rememberPeople(people, clock),
    onChange(request, step) {
      notifier.cards.tell(request, step);
      brokenGlass.tell(request);
      if (step === undefined) record(request);
    },
    onFault: (request, err) => log.error({ err, request }, 'A change broke off'),
    isIncidentOver: (request) => isIncidentOver(journal, request),
  });
  const made = { ...deps, config, log, journal, monitor, notifier, approvals, pagerOf, meter };
  const incidentSystem = openIncidentSystem({ ...made, steady, people });
  const record = (request: ApprovalRequest): void => {
    count(meter, request);
    incidentSystem.record(request);
  };
  const { wasIn = false } = parts;
  const shown = { incidentSystem, readSummaries, configState, wasIn };
  const slackApp = openSlackApp({ ...made, ...shown, slack, client });
  const { incidents } = incidentSystem;
  const http = openHttp({ ...made, ...shown, incidents, app: slackApp, refusals });
  const bot = runBot({ ...made, app: slackApp, brokenGlass, incidentSystem, http, stopping });
  return Object.assign(bot, { announcements: notifier.announcements });
}

interface SlackAppParts
  extends Pick<BotParts, 'slack' | 'log' | 'configState' | 'wasIn'>, Pick<Deps, 'clock'> {
  readonly config: Config;
  readonly monitor: TargetMonitor;
  readonly journal: StoredJournal;
  readonly notifier: Notifier;
  readonly approvals: Approvals;
  readonly pagerOf: ReturnType<typeof openPagers>;
  readonly meter: Metrics;
  /** For what is no message: people and Home tabs. */
  readonly client: ReturnType<typeof createClient>;
  readonly incidentSystem: IncidentSystem;
  readonly readSummaries: ReturnType<typeof rememberSummaries>['readSummaries'];
}

/** What is pressed and typed in Slack, and the Home tab. */
function openSlackApp(parts: SlackAppParts): SlackApp {
  const { config, slack, clock, log, journal, monitor, notifier, approvals } = parts;
  const { pagerOf, meter, readSummaries, configState } = parts;
  const { incidents, board } = parts.incidentSystem;
  const records = createRecords({ log: journal, targets: monitor.targets });
  const pagingOf: Changes['pagingOf'] = (target) => {
    const pager = pagerOf(target);
    return pager === undefined ? undefined : { pager, clock };
  };
  const changes = {
    approvals,
    journal,
    incidents,
    board,
    records,
    pagingOf,
    checkAround: async (target: string) => [
      ...checkConfigState(configState),
      ...(await checkAround({ config, clock }, target, pagerOf)),
    ],
    ...notifier,
  };
  const sources = {
    readSummaries,
    changes: { approvals, places: createPlaces(journal) },
    incidents: { incidents, board, log: journal },
  };
  return createSlackApp({
    ...slack,
    ...(config.channel !== undefined && { channel: config.channel }),
    monitor,
    heard: journal,
    changes,
    home: createHome({ sources, client: parts.client, clock, log }),
    meter,
    log,
    wasIn: parts.wasIn,
  });
}

function addressOf({ botToken, apiUrl }: SlackConfig): Pick<SlackConfig, 'botToken' | 'apiUrl'> {
  return { botToken, ...(apiUrl !== undefined && { apiUrl }) };
}

interface NotifierParts extends Pick<SlackAppParts, 'journal' | 'pagerOf'> {
  readonly readCircumstances: (request: ApprovalRequest) => Promise<Circumstances>;
}

/** What the card of a request says of the moment: the incident it is for, and how long it has to wait. */
async function readCircumstances(
  { approvals, incidents }: Pick<Changes, 'approvals' | 'incidents'>,
  request: ApprovalRequest,
): Promise<Circumstances> {
  const [open, coolingUntil] = await Promise.all([
    incidents.current(request.target),
    approvals.coolingUntil(request),
  ]);
  const incident = open.ok ? open.value : null;
  return {
    incident:
      incident === null
        ? null
        : { cause: causeOf(incident), headline: incident.last?.headline ?? null },
    coolingUntil: coolingUntil.ok ? coolingUntil.value : null,
  };
}

/** What speaks in Slack, what counts that, and what hears whether Slack takes it. */
function openNotifier(
  { app: { config, deps }, slack, log, meter: counting }: BotParts,
  { journal, pagerOf, readCircumstances }: NotifierParts,
): { readonly notifier: Notifier; readonly meter: Metrics; readonly refusals: Refusals } {
  const { clock, sendIntervalMs } = deps;
  const announcements = { announce: (one: Announcement) => notifier.announcements.announce(one) };
  const refusals = openRefusals({ config, clock, log, pagerOf, announcements });
  const meter = reportingRefusals(counting, refusals);
  const notifier = createNotifier({
    ...addressOf(slack),
    ...(sendIntervalMs !== undefined && { sendIntervalMs }),
    channel: config.channel,
    places: createPlaces(journal),
    readHead: () => journal.head(),
    readSteps: (request) => journal.readSteps(request),
    readRequest: (request) => journal.read(request),
    readCircumstances,
    meter,
    log,
  });
  return { notifier, meter, refusals };
}

function reportingRefusals(meter: Metrics, refusals: Refusals): Metrics {
  return {
    ...meter,
    slackCall(call) {
      meter.slackCall(call);
      refusals.record(call);
    },
  };
}

function count(meter: Meter, request: ApprovalRequest): void {
  if (isOpen(request)) return;
  meter.request(request.option, request.result?.outcome?.word ?? request.state);
}
