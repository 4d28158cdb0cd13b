import type { Logger } from 'pino';
import type { Config, SlackConfig } from './config.ts';
import { createPlaces } from './journal/places.ts';
import type { StoredJournal } from './journal/stored-journal.ts';
import { openDoor } from './open-door.ts';
import { openJournal } from './open-journal.ts';
import { createPatients } from './patients.ts';
import { createBreakGlassNews, toldKind } from './runbook/approval/announce-break-glass.ts';
import type { BreakGlassNews } from './runbook/approval/announce-break-glass.ts';
import type { Door } from './runbook/approval/door.ts';
import { stopNotice } from './runbook/approval/stop-notice.ts';
import type { Clock } from './runbook/ports.ts';
import { createRunbook } from './runbook/runbook.ts';
import type { Patient, Runbook } from './runbook/runbook.ts';
import { createSlackApp } from './slack/app.ts';
import type { SlackApp } from './slack/app.ts';
import { createNews } from './slack/create-news.ts';
import type { News } from './slack/create-news.ts';
import { createPeople } from './slack/people.ts';

export interface BotParts {
  readonly config: Config;
  readonly slack: SlackConfig;
  readonly clock: Clock;
  readonly log: Logger;
  /** Instead of what the configuration would reach: a demo's. Its names are the configuration's all the same. */
  readonly beds?: Beds;
}

/** The targets and what looks at them. */
export interface Beds {
  readonly patients: readonly Patient[];
  readonly runbook: Runbook;
}

export interface Bot {
  readonly targets: readonly string[];
  /** Ends what the process before this one left unfinished, and comes up in Slack. */
  start(): Promise<void>;
  /** The first look at each target opens its warm connection, so that there is one when the slots are gone. */
  warm(): Promise<void>;
  /** Takes nothing more on, ends what runs, closes everything. */
  stop(): Promise<void>;
}

/** How often overdue proposals expire and what other processes wrote to the journal is shown. */
const roundMs = 30_000;
/** How soon somebody finishes what a process that died was doing, beside the 20 s of its lease. */
const takeOverMs = 5000;
/** The longest a change may go on after SIGTERM: a restart of PostgreSQL under load takes minutes. */
const drainMs = 10 * 60_000;
/** After this long stopping no longer waits for Slack's limits. */
const lastWordsMs = 5000;

/** Builds the bot from its configuration. Throws JournalUnavailable where it could not record anything. */
export async function openBot({ config, slack, clock, log, beds }: BotParts): Promise<Bot> {
  const { patients, runbook } = beds ?? (await createBeds(config, clock));
  const journal = await openJournal(config, clock, (sentence) => log.warn(sentence));
  const { botToken, apiUrl } = slack;
  const news = createNews({
    botToken,
    ...(apiUrl !== undefined && { apiUrl }),
    channel: config.channel,
    places: createPlaces(journal),
    readHead: () => journal.head(),
    readSteps: (request) => journal.readSteps(request),
    log,
  });
  const brokenGlass = createBreakGlassNews({
    announcements: news.announcements,
    channel: config.channel,
    contacts: new Map(patients.map(({ target }) => [target.name, target.contacts])),
    journal,
    wasTold: async (id) => (await journal.entries(id)).some(({ kind }) => kind === toldKind),
    actions: config.approval.breakGlass.actions,
    clock,
    onFault: (request, err) => log.error({ err, request }, 'A break-glass could not be announced'),
  });
  const door = openDoor({
    config,
    patients,
    journal,
    clock,
    people: createPeople({ botToken, ...(apiUrl !== undefined && { apiUrl }), clock, log }),
    onChange(request, step) {
      news.cards.tell(request, step);
      brokenGlass.tell(request);
    },
    onFault: (request, err) => log.error({ err, request }, 'A change broke off'),
  });
  const app = createSlackApp({
    ...slack,
    ...(config.channel !== undefined && { channel: config.channel }),
    runbook,
    changes: { door, journal, ...news },
    log,
  });
  return toBot({ app, door, journal, runbook, news, brokenGlass, log });
}

async function createBeds(config: Config, clock: Clock): Promise<Beds> {
  const patients = await createPatients(config, clock);
  return { patients, runbook: createRunbook(patients, clock) };
}

interface Parts {
  readonly app: SlackApp;
  readonly door: Door;
  readonly journal: StoredJournal;
  readonly runbook: Runbook;
  readonly news: News;
  readonly brokenGlass: BreakGlassNews;
  readonly log: Logger;
}

function toBot({ app, door, journal, runbook, news, brokenGlass, log }: Parts): Bot {
  const { cards } = news;
  const tellStop = watchStops(door, news);
  let rounds: NodeJS.Timeout | undefined;
  let takeOvers: NodeJS.Timeout | undefined;
  const takeOver = async (): Promise<void> => {
    try {
      const taken = await door.takeOver();
      if (!taken.ok) log.error({ problem: taken.refusal.next }, 'Nothing could be taken over');
      else for (const { id, state } of taken.value) log.warn({ request: id, state }, 'Taken over');
    } catch (err) {
      log.error({ err }, 'Taking over failed');
    }
  };
  const round = async (): Promise<void> => {
    try {
      const swept = await door.sweep();
      if (!swept.ok) log.warn({ problem: swept.refusal.next }, 'Overdue proposals stay open');
      await cards.catchUp(door);
      await brokenGlass.catchUp();
      await tellStop();
    } catch (err) {
      log.error({ err }, 'A round through the open proposals failed');
    }
  };
  return {
    targets: runbook.targets.map(({ name }) => name),
    async start() {
      await takeOver();
      await app.start();
      await round();
      rounds = setInterval(() => void round(), roundMs);
      takeOvers = setInterval(() => void takeOver(), takeOverMs);
    },
    async warm() {
      await Promise.all(runbook.targets.map(({ name }) => runbook.diagnose(name)));
    },
    async stop() {
      clearInterval(rounds);
      clearInterval(takeOvers);
      await app.stop();
      const running = await door.drain(drainMs);
      if (running.length > 0) {
        const next = 'another dbconn takes them over when their lease has run out, within 20 s';
        log.error({ requests: running }, `Changes still run and are left: ${next}`);
      }
      await Promise.all([cards.drain(lastWordsMs), brokenGlass.idle(lastWordsMs)]);
      await runbook.close();
      await journal.close();
    },
  };
}

/** Tells the channel of a stop that another process set. One of Slack's was told when it was typed. */
function watchStops(door: Door, { announcements, cards }: News): () => Promise<void> {
  let toldAt: string | undefined;
  return async () => {
    const found = await door.stopped();
    const stop = found.ok ? found.value : null;
    if (stop === null || stop.at === toldAt || stop.by.startsWith('<@')) return;
    if (cards.channel === undefined) return;
    await announcements.announce({ to: cards.channel, mention: null, ...stopNotice(stop) });
    toldAt = stop.at;
  };
}
