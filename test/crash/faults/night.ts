import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { stringify } from 'yaml';
import { startPagerDuty } from '../../../sandbox/pagerduty/local-pagerduty.ts';
import type { LocalPagerDuty } from '../../../sandbox/pagerduty/local-pagerduty.ts';
import type { Cluster } from '../../../sandbox/patient/cluster.ts';
import type { LocalSlack } from '../../../sandbox/slack/server.ts';
import type { StoredJournal } from '../../../src/journal/stored-journal.ts';
import { Action } from '../../../src/runbook/remedies/remedy-request.ts';
import { database, jonas, openSlack } from '../../drills/support/conversation.ts';
import { routingKey } from '../../support/harness.ts';
import { SlowRoad } from '../../endurance/slow-road.ts';
import { openByAddress } from '../../journal/open-by-address.ts';
import { appToken, botToken } from '../../slack/support/workspace.ts';
import { startCluster } from '../../support/clusters.ts';
import { patienceMs } from '../../support/until.ts';
import type { StoryPatient } from '../story/stage.ts';
import { startKeeper } from './keeper.ts';
import type { Keeper } from './keeper.ts';

/** One bot after the other between real servers, each of which it reaches by a road that can be made bad. */
export interface Night extends Pick<StoryPatient, 'patient' | 'engine'> {
  readonly slack: LocalSlack;
  readonly pagerDuty: LocalPagerDuty;
  readonly keeper: Keeper;
  readonly roads: Readonly<Record<RoadName, SlowRoad>>;
  /** The server of a journal on PostgreSQL. */
  readonly shelf: Cluster | undefined;
  readonly target: string;
  /** Reads in the journal beside the bot, again until the journal can be read. */
  read<T>(what: (journal: StoredJournal) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

export type RoadName = 'target' | 'slack' | 'pager' | 'engine' | 'journal';
export type Kind = 'SQLite' | 'PostgreSQL';

/** Short enough that nobody waits for a dead process, longer than one stands still on a busy machine. */
const leaseMs = 1500;
const ackTimeoutMs = 3000;

export async function openNight(storyPatient: StoryPatient, kind: Kind): Promise<Night> {
  const { patient, engine } = storyPatient;
  const folder = await mkdtemp(join(tmpdir(), 'dbconn-faults-'));
  const shelf = kind === 'PostgreSQL' ? await startCluster() : undefined;
  const socketUrl = (): string => `ws://127.0.0.1:${roads.slack.port}`;
  const slack = await openSlack({ ackTimeoutMs, socketUrl });
  const pagerDuty = await startPagerDuty({ routingKey });
  const roads = {
    target: await SlowRoad.to(patient.cluster.port),
    slack: await SlowRoad.to(portOf(slack.url)),
    pager: await SlowRoad.to(portOf(pagerDuty.url)),
    engine: await SlowRoad.to(portOf(engine.address)),
    // Without a server of its own nothing goes by it.
    journal: await SlowRoad.to(shelf?.port ?? patient.cluster.port),
  };
  const address = shelf?.url() ?? join(folder, 'journal.sqlite');
  const journal = await openByAddress(address);
  const { dbconn, privileged, rescue } = patient.urls;
  const urls = {
    dbconn: by(roads.target, dbconn),
    privileged: by(roads.target, privileged),
    rescue: by(roads.target, rescue),
  };
  const target = patient.target();
  const file = join(folder, 'dbconn.yml');
  const config = {
    targets: [{ name: target.name, database: { url: urls.dbconn } }],
    journal: shelf === undefined ? address : by(roads.journal, address),
    slack: { channel: database },
    pager: { pagerduty: { routingKey, url: by(roads.pager, pagerDuty.url) } },
    ...rules,
  };
  await writeFile(file, stringify(config));
  const keeper = startKeeper({
    file,
    slack: { apiUrl: by(roads.slack, slack.apiUrl), botToken, appToken },
    engine: by(roads.engine, engine.address),
    patientTarget: { target, urls },
    leaseMs,
    sendIntervalMs: 50,
    points: [],
    done: {},
  });
  return {
    ...storyPatient,
    slack,
    pagerDuty,
    keeper,
    roads,
    shelf,
    target: target.name,
    read: (what) => readPatiently(journal, what),
    async close() {
      await keeper.close();
      await journal.close();
      for (const road of Object.values(roads)) road.close();
      await Promise.all([slack.close(), pagerDuty.close(), shelf?.close()]);
      await rm(folder, { recursive: true });
    },
  };
}

const rule = { approve: [jonas], votes: 1, clusterWideVotes: 1, cooldown: '0s' };
/** Seconds instead of minutes, and one vote for everything: how many there must be is tried elsewhere. */
const rules = {
  approval: {
    ...Object.fromEntries(Action.options.map((action) => [action, rule])),
    verifyAfter: '1s',
  },
  incidents: { watch: false, every: '2s' },
  escalation: [],
};

function portOf(url: string): number {
  return Number(new URL(url).port);
}

/** The same address by a road. */
function by(road: SlowRoad, url: string): string {
  const other = new URL(url);
  other.port = String(road.port);
  return other.href;
}

async function readPatiently<T>(
  journal: StoredJournal,
  what: (journal: StoredJournal) => Promise<T>,
): Promise<T> {
  const deadline = performance.now() + patienceMs;
  for (;;) {
    try {
      return await what(journal);
    } catch (error) {
      // Its server was killed.
      if (performance.now() > deadline) throw error;
      await sleep(100);
    }
  }
}
