import { rmSync } from 'node:fs';
import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { createApp } from '../src/app.ts';
import { openPrivileged } from '../src/app/changing-adapters.ts';
import type { TargetSet } from '../src/app/target-adapters.ts';
import { systemClock } from '../src/timing.ts';
import { readConfig } from '../src/config/config.ts';
import type { StoredJournal } from '../src/journal/stored-journal.ts';
import { createLog } from '../src/log.ts';
import { createDatabase } from '../src/postgres/lifeline.ts';
import { createRoles } from '../src/postgres/try-logins.ts';
import type { Diagnosis } from '../src/runbook/diagnose/diagnosis.ts';
import { Action } from '../src/runbook/remedies/remedy-request.ts';
import { createTargetMonitor } from '../src/runbook/loop/target-monitor.ts';
import type { TargetAdapters, TargetMonitor } from '../src/runbook/loop/target-monitor.ts';
import type { Target } from '../src/runbook/snapshot/target.ts';
import { startPagerDuty } from './pagerduty/local-pagerduty.ts';
import type { LocalPagerDuty } from './pagerduty/local-pagerduty.ts';
import { sendAlert } from './send-alert.ts';
import type { AlertStatus } from './send-alert.ts';
import { servePage } from './page/page.ts';
import { startPatient } from './patient/patient.ts';
import type { Patient } from './patient/patient.ts';
import { identity } from './slack/identity.ts';
import type { Said, SlackOptions } from './slack/options.ts';
import { startSlack } from './slack/server.ts';
import type { LocalSlack } from './slack/server.ts';

export const incidentChannel = 'C0DATABASE';

/** The people of the demo's workspace. */
export const people = [
  { id: 'U0MAYA', name: 'maya', realName: 'Maya (on call)' },
  { id: 'U0JONAS', name: 'jonas', realName: 'Jonas (DBA)' },
  { id: 'U0DANA', name: 'dana', realName: 'Dana (backend lead)' },
  { id: 'U0GUEST', name: 'guest', realName: 'Gil (contractor)', guest: true },
] as const;

/** A patient, a Slack and the bot between them: all real but Slack, all on this machine. */
export interface Stage {
  readonly patient: Patient;
  readonly slack: LocalSlack;
  /** The runbook of the scene on stage. */
  readonly monitor: TargetMonitor;
  /** What the bot last showed, or undefined where it has not looked in this scene. */
  readonly shown: () => Diagnosis | undefined;
  /** The pager's side of it. */
  readonly pagerDuty: LocalPagerDuty;
  /** As Alertmanager would tell of the target. */
  alert(status: AlertStatus): Promise<void>;
  /** The bot’s dbconn.yml. */
  readonly configFile: string;
  /** What happened on stage, in the order it happened. */
  readonly journal: StoredJournal;
  /** Forgets the looks of the scene before, whose figures would be another story's history. */
  newScene(): void;
  close(): Promise<void>;
}

interface StageOptions {
  readonly seed: number;
  /** Of Slack's page; any free one unless given. */
  readonly port?: number;
  /** Whether the bot opens incidents by its own looks; otherwise only alerts and people do. */
  readonly watch?: boolean;
  /** Whether an incident calls and ends as fast as an audience wants, and not somebody at the page. */
  readonly brisk?: boolean;
  /** Hears everything the bot says in Slack, and to the pager. */
  readonly onSaid?: (said: Said) => void;
  readonly onPaged?: (path: string, body: unknown) => void;
}

export async function setStage({
  seed,
  port,
  watch = false,
  brisk = false,
  onSaid = () => undefined,
  onPaged = () => undefined,
}: StageOptions): Promise<Stage> {
  const patient = await startPatient({ seed });
  const toClose: (() => Promise<void>)[] = [() => patient.close()];
  const close = async (): Promise<void> => {
    for (const one of toClose.toReversed()) await one();
  };
  try {
    const slack = await openSlack({ onSaid, ...(port !== undefined && { port }) });
    toClose.push(() => slack.close());
    const folder = await makeFolder(toClose);
    const pagerDuty = await startPagerDuty({ routingKey: tokens.routingKey, onPaged });
    toClose.push(() => pagerDuty.close());
    const { targets, newScene, shown } = makeTargets(openAdapters(patient));
    const configFile = await writeConfig({
      folder,
      patient,
      watch,
      brisk,
      pagerDuty: pagerDuty.url,
    });
    const log = createLog('error');
    const app = createApp(readConfig({ DBCONN_HTTP_PORT: '127.0.0.1:0' }, configFile), {
      clock: systemClock,
      warn: (sentence) => log.warn(sentence),
      targets,
      // Slack takes a short burst above one message a second.
      ...(brisk && { sendIntervalMs: 500 }),
    });
    const connection = { kind: 'socket', appToken: tokens.appToken } as const;
    const bot = await app.bot({ connection, botToken: tokens.botToken, apiUrl: slack.apiUrl }, log);
    toClose.push(() => bot.stop());
    await bot.start();
    // As main.ts does: the connection must be there before the slots are gone.
    await bot.warm();
    const journal = await app.journal();
    const { monitor } = targets;
    const alert = alertFrom(() => bot.httpPort ?? 0, patient.target().name);
    const told = { monitor, shown, journal, alert, newScene, configFile };
    return { patient, slack, pagerDuty, ...told, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** A firing and its end are of one start. */
function alertFrom(port: () => number, target: string): Stage['alert'] {
  let startsAt = '';
  return async (status) => {
    if (status === 'firing') startsAt = new Date().toISOString();
    await sendAlert({ port: port(), bearer: tokens.webhook, target, status, startsAt });
  };
}

interface StageTargets extends Pick<Stage, 'newScene' | 'shown'> {
  readonly targets: TargetSet;
}

/** A runbook whose looks can be forgotten between two scenes, and whose last one can be judged. */
function makeTargets(adapters: TargetAdapters): StageTargets {
  let monitor = createTargetMonitor([adapters], systemClock);
  let last: Diagnosis | undefined;
  const onStage: TargetMonitor = {
    targets: monitor.targets,
    diagnose: async (target) => (last = await monitor.diagnose(target)),
    async runCheck(target, effort) {
      const examination = await monitor.runCheck(target, effort);
      last = examination.diagnosis;
      return examination;
    },
    doctor: (target) => monitor.doctor(target),
    prevention: (target) => monitor.prevention(target),
    close: () => monitor.close(),
  };
  const newScene = (): void => {
    monitor = createTargetMonitor([adapters], systemClock);
    last = undefined;
  };
  return { targets: { targetAdapters: [adapters], monitor: onStage }, newScene, shown: () => last };
}

async function makeFolder(toClose: (() => Promise<void>)[]): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'dbconn-demo-'));
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  process.once('exit', remove);
  toClose.push(() => {
    process.off('exit', remove);
    remove();
    return Promise.resolve();
  });
  return folder;
}

interface Written {
  readonly folder: string;
  readonly patient: Patient;
  readonly watch: boolean;
  readonly brisk: boolean;
  /** The address of the pager. */
  readonly pagerDuty: string;
}

/** How long an incident waits for people, and for peace: minutes elsewhere. */
const paces = {
  calm: { admins: '5s', onCall: '8s', closeAfter: '4s' },
  // The card is to stand before anybody is called, also on a busy machine: else a call has no thread to go to.
  brisk: { admins: '3s', onCall: '4s', closeAfter: '2s' },
} as const;

/** Everybody may propose, three people may approve, nobody their own. As many votes as elsewhere, and no waiting in between. */
async function writeConfig(written: Written): Promise<string> {
  const { folder, patient, watch, brisk, pagerDuty } = written;
  const { admins, onCall, closeAfter } = paces[brisk ? 'brisk' : 'calm'];
  const file = join(folder, 'dbconn.yml');
  const [maya, jonas, dana] = people;
  const approve = [maya.id, jonas.id, dana.id];
  const rules = Action.options.map((action) => [action, { approve, cooldown: '0s' }] as const);
  const config = {
    slack: { channel: incidentChannel },
    targets: [{ name: patient.target().name, database: { url: patient.urls.dbconn } }],
    // Minutes elsewhere; the demo shortens every duration.
    approval: { ...Object.fromEntries(rules), verifyAfter: '2s' },
    incidents: { watch, every: '1s', openAfter: '2s', closeAfter },
    alerts: { bearer: tokens.webhook },
    // The runbook's contacts, in its order.
    escalation: [
      { who: 'database-admins', after: admins, unlessAssigned: true },
      { who: 'on-call', after: onCall, unlessAssigned: true },
    ],
    pager: { pagerduty: { routingKey: tokens.routingKey, url: pagerDuty } },
    journal: join(folder, 'journal.sqlite'),
  };
  await writeFile(file, stringify(config));
  return file;
}

// A Slack on loopback that lives as long as the demo: its tokens open nothing else.
const tokens = {
  botToken: 'xoxb-demo',
  appToken: 'xapp-demo',
  signingSecret: 'demo',
  webhook: 'the-demo-webhook-secret',
  routingKey: 'R0DEMO'.padEnd(32, '0'),
};

async function openSlack(more: Pick<SlackOptions, 'port' | 'onSaid'>): Promise<LocalSlack> {
  const manifest: unknown = parse(
    await readFile(new URL('../manifest.yml', import.meta.url), 'utf8'),
  );
  const everybody = people.map(({ id }) => id);
  const { botToken, appToken, signingSecret } = tokens;
  return startSlack({
    botToken,
    appToken,
    signingSecret,
    ...more,
    manifest,
    mode: 'socket',
    people,
    channels: [
      { id: incidentChannel, name: 'database', members: [...everybody, identity.botUserId] },
      { id: 'C0GENERAL', name: 'general', members: everybody },
    ],
    userGroups: [{ id: 'S0DBA', handle: 'dba', members: ['U0JONAS'] }],
    page: servePage,
  });
}

function openAdapters(patient: Patient): TargetAdapters {
  const [, , dana] = people;
  const target: Target = {
    ...patient.target(),
    canAct: true,
    contacts: { databaseAdmins: 'S0DBA', backendLead: dana.id },
    // They come and go between the scenes, and a configuration would name them all.
    get services() {
      return patient.target().services;
    },
  };
  return {
    target,
    database: createDatabase({
      target: target.name,
      url: patient.urls.dbconn,
      rescueUrl: patient.urls.rescue,
      providerReserved: 0,
      limits: patient.limits,
      clock: systemClock,
    }),
    roles: createRoles({
      url: patient.urls.dbconn,
      actingUrl: patient.urls.privileged,
      rescueUrl: patient.urls.rescue,
    }),
    services: patient.services(),
    pools: patient.pools(),
    poolers: patient.pooler,
    ...openPrivileged(patient.urls.privileged),
    serverHost: patient.serverHost(),
    restarts: patient.services(),
    poolSettings: patient.services(),
  };
}
