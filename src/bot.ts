import type { Logger } from 'pino';
import { createMeter } from './alertmanager/metrics.ts';
import type { Metrics } from './alertmanager/metrics.ts';
import { createCallsCheck } from './check-calls.ts';
import type { Config } from './config.ts';
import type { SlackConfig } from './config/slack-settings.ts';
import { createPlaces } from './journal/places.ts';
import type { StoredJournal } from './journal/stored-journal.ts';
import { openBreakGlassNews } from './open-break-glass-news.ts';
import { openDoor } from './open-door.ts';
import { openHttp } from './open-http.ts';
import { openJournal } from './open-journal.ts';
import { openPagers } from './open-pagers.ts';
import { openRefusals } from './open-refusals.ts';
import { openWard } from './open-ward.ts';
import { createPatients } from './patients.ts';
import { runBot } from './run-bot.ts';
import type { Bot } from './run-bot.ts';
import { isOpen } from './runbook/approval/request.ts';
import type { Request } from './runbook/approval/request.ts';
import type { Announcement, Clock } from './runbook/ports.ts';
import type { Meter } from './runbook/ports/meter.ts';
import { createRecords } from './runbook/post-incident/records.ts';
import { createRunbook } from './runbook/runbook.ts';
import type { Patient, Runbook } from './runbook/runbook.ts';
import { createSlackApp } from './slack/app.ts';
import type { Changes } from './slack/changes.ts';
import { createNews } from './slack/create-news.ts';
import type { News } from './slack/create-news.ts';
import { createHome } from './slack/home/create-home.ts';
import { rememberGlances } from './slack/home/remember-glances.ts';
import { createPeople } from './slack/people.ts';
import { rememberPeople } from './slack/remember-people.ts';
import type { Refusals } from './slack/refusals.ts';
import { openSteadyClock } from './runbook/steady-clock.ts';

interface BotParts {
  readonly config: Config;
  readonly slack: SlackConfig;
  readonly clock: Clock;
  readonly log: Logger;
  /** Instead of what the configuration would reach: a demo's. Its names are the configuration's all the same. */
  readonly beds?: Beds;
  /** How long after a crash another process goes on with incidents and changes; 20 s unless given. */
  readonly leaseMs?: number;
  /** Between two messages of one kind in Slack; what Slack takes unless given. */
  readonly paceMs?: number;
  /** Stands between the bot and its journal: whoever tries what a crash leaves behind counts the writes there. */
  readonly keep?: (journal: StoredJournal) => StoredJournal;
}

/** The targets and what looks at them. */
export interface Beds {
  readonly patients: readonly Patient[];
  readonly runbook: Runbook;
}

/** Builds the bot from its configuration. Throws JournalUnavailable where it could not record anything. */
export async function openBot(parts: BotParts): Promise<Bot> {
  const { config, slack, clock, log } = parts;
  const { patients, runbook: bare } = parts.beds ?? (await createBeds(config, clock));
  const { runbook, readGlances } = rememberGlances(bare);
  const journal = await openKept(parts);
  const steady = await openSteadyClock(journal, clock);
  const stopping = new AbortController();
  const pagerOf = openPagers(config, { clock, log, signal: stopping.signal });
  const address = addressOf(slack);
  const { news, meter, refusals } = openNews(parts, journal, pagerOf);
  const people = createPeople({ ...address, log, meter });
  const brokenGlass = openBreakGlassNews({ config, clock, log, journal, news, pagerOf });
  const door = openDoor({
    leaseMs: parts.leaseMs,
    config,
    patients,
    journal,
    clock: steady,
    people,
    recentPeople: rememberPeople(people, clock),
    onChange(request, step) {
      news.cards.tell(request, step);
      brokenGlass.tell(request);
      if (step === undefined) hear(request);
    },
    onFault: (request, err) => log.error({ err, request }, 'A change broke off'),
  });
  const ward = openWard({ ...parts, steady, journal, runbook, news, people, door, pagerOf, meter });
  const hear = (request: Request): void => {
    count(meter, request);
    ward.hear(request);
  };
  const { incidents, board } = ward;
  const records = createRecords({ log: journal, targets: runbook.targets });
  const pagingOf: Changes['pagingOf'] = (target) => {
    const pager = pagerOf(target);
    return pager === undefined ? undefined : { pager, clock };
  };
  const checkCalls = createCallsCheck(config, pagerOf);
  const changes = { door, journal, incidents, board, records, pagingOf, checkCalls, ...news };
  const sources = {
    readGlances,
    changes: { door, places: createPlaces(journal) },
    incidents: { incidents, board, log: journal },
  };
  const app = createSlackApp({
    ...slack,
    ...(config.channel !== undefined && { channel: config.channel }),
    runbook,
    heard: journal,
    changes,
    home: createHome({ ...address, sources, clock, log, meter }),
    meter,
    log,
  });
  const http = openHttp({ ...parts, meter, incidents, ward, app, refusals });
  return runBot({ ...parts, app, door, journal, runbook, news, brokenGlass, ward, http, stopping });
}

function addressOf({ botToken, apiUrl }: SlackConfig): Pick<SlackConfig, 'botToken' | 'apiUrl'> {
  return { botToken, ...(apiUrl !== undefined && { apiUrl }) };
}

/** What speaks in Slack, what counts that, and what hears whether Slack takes it. */
function openNews(
  { config, slack, clock, log, paceMs }: BotParts,
  journal: StoredJournal,
  pagerOf: ReturnType<typeof openPagers>,
): { readonly news: News; readonly meter: Metrics; readonly refusals: Refusals } {
  const announcements = { announce: (one: Announcement) => news.announcements.announce(one) };
  const refusals = openRefusals({ config, clock, log, pagerOf, announcements });
  const meter = hearing(createMeter(), refusals);
  const news = createNews({
    ...addressOf(slack),
    ...(paceMs !== undefined && { paceMs }),
    channel: config.channel,
    places: createPlaces(journal),
    readHead: () => journal.head(),
    readSteps: (request) => journal.readSteps(request),
    readRequest: (request) => journal.read(request),
    meter,
    log,
  });
  return { news, meter, refusals };
}

function hearing(meter: Metrics, refusals: Refusals): Metrics {
  return {
    ...meter,
    slackCall(call) {
      meter.slackCall(call);
      refusals.hear(call);
    },
  };
}

async function openKept({ config, clock, log, keep }: BotParts): Promise<StoredJournal> {
  const journal = await openJournal(config, clock, (sentence) => log.warn(sentence));
  return keep?.(journal) ?? journal;
}

async function createBeds(config: Config, clock: Clock): Promise<Beds> {
  const patients = await createPatients(config, clock);
  return { patients, runbook: createRunbook(patients, clock) };
}

function count(meter: Meter, request: Request): void {
  if (isOpen(request)) return;
  meter.request(request.option, request.result?.outcome?.word ?? request.state);
}
