import { rmSync } from 'node:fs';
import { mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { systemClock } from '../src/clock.ts';
import { createPlaces } from '../src/journal/places.ts';
import { openSqliteJournal } from '../src/journal/sqlite.ts';
import type { SqliteJournal } from '../src/journal/sqlite.ts';
import { createLog } from '../src/log.ts';
import { createActing } from '../src/postgres/act.ts';
import { createBlockers } from '../src/postgres/blockers.ts';
import { createDatabase } from '../src/postgres/lifeline.ts';
import { createServerSettings } from '../src/postgres/settings/server-settings.ts';
import { createTimeouts } from '../src/postgres/timeouts.ts';
import { createDoor } from '../src/runbook/approval/door.ts';
import { defaultPolicy, defaultPolicyOf } from '../src/runbook/approval/policy.ts';
import type { OptionPolicy, Policy } from '../src/runbook/approval/policy.ts';
import { toDoorPatient } from '../src/runbook/approval/to-door-patient.ts';
import { Action } from '../src/runbook/remedies/action.ts';
import { createRunbook } from '../src/runbook/runbook.ts';
import type { Patient as RunbookPatient, Runbook } from '../src/runbook/runbook.ts';
import { createSlackApp } from '../src/slack/app.ts';
import type { Changes } from '../src/slack/changes.ts';
import { createNews } from '../src/slack/create-news.ts';
import { createPeople } from '../src/slack/people.ts';
import { servePage } from './page/page.ts';
import { startPatient } from './patient/patient.ts';
import type { Patient } from './patient/patient.ts';
import { identity } from './slack/identity.ts';
import { startSlack } from './slack/server.ts';
import type { LocalSlack } from './slack/server.ts';

/** Minutes elsewhere; the demo shortens every duration. */
const verifyAfterMs = 3000;

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
  readonly runbook: Runbook;
  /** What happened on stage, in the order it happened. */
  readonly journal: SqliteJournal;
  /** Forgets the looks of the scene before, whose figures would be another story's history. */
  newScene(): void;
  close(): Promise<void>;
}

export async function setStage(seed: number, port?: number): Promise<Stage> {
  const patient = await startPatient({ seed });
  const toClose: (() => Promise<void>)[] = [() => patient.close()];
  const close = async (): Promise<void> => {
    for (const one of toClose.toReversed()) await one();
  };
  try {
    const slack = await openSlack(port);
    toClose.push(() => slack.close());
    const bed = openBed(patient);
    toClose.push(() => bed.database.close());
    // As the bot does at its start: the connection must be there before the slots are gone.
    await bed.database.readLook();
    const journal = await openJournal(toClose);
    const changes = openChanges({ bed, journal, apiUrl: slack.apiUrl });
    toClose.push(async () => {
      await changes.door.drain();
      await changes.cards.drain(0);
    });
    let runbook = createRunbook([bed], systemClock);
    const onStage: Runbook = {
      targets: runbook.targets,
      diagnose: (target) => runbook.diagnose(target),
      examine: (target) => runbook.examine(target),
      doctor: (target) => runbook.doctor(target),
      close: () => runbook.close(),
    };
    const app = createSlackApp({
      connection: { kind: 'socket', appToken: tokens.appToken },
      botToken: tokens.botToken,
      apiUrl: slack.apiUrl,
      channel: incidentChannel,
      runbook: onStage,
      changes,
      log: createLog('error'),
    });
    await app.start();
    toClose.push(() => app.stop());
    const newScene = (): void => {
      runbook = createRunbook([bed], systemClock);
    };
    return { patient, slack, runbook: onStage, journal, newScene, close };
  } catch (error) {
    await close();
    throw error;
  }
}

// A Slack on loopback that lives as long as the demo: its tokens open nothing else.
const tokens = { botToken: 'xoxb-demo', appToken: 'xapp-demo', signingSecret: 'demo' };

async function openSlack(port?: number): Promise<LocalSlack> {
  const manifest: unknown = parse(
    await readFile(new URL('../manifest.yml', import.meta.url), 'utf8'),
  );
  const everybody = people.map(({ id }) => id);
  return startSlack({
    ...tokens,
    ...(port !== undefined && { port }),
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

function openBed(patient: Patient): RunbookPatient {
  const target = patient.target();
  return {
    // Services come and go between the scenes.
    get target() {
      const [, , dana] = people;
      const contacts = { databaseAdmins: 'S0DBA', backendLead: dana.id };
      return { ...patient.target(), canAct: true, contacts };
    },
    database: createDatabase({
      target: target.name,
      url: patient.urls.dbconn,
      rescueUrl: patient.urls.rescue,
      providerReserved: 0,
      limits: patient.limits,
      applicationRoles: [],
      clock: systemClock,
    }),
    services: patient.services(),
    pools: patient.pools(),
    acting: createActing({ url: patient.urls.acting }),
    timeouts: createTimeouts({ url: patient.urls.acting }),
    blockers: createBlockers({ url: patient.urls.acting }),
    serverSettings: createServerSettings(patient.urls.acting),
    serverHost: patient.serverHost(),
    restarts: patient.services(),
    poolSettings: patient.services(),
  };
}

async function openJournal(toClose: (() => Promise<void>)[]): Promise<SqliteJournal> {
  const folder = await mkdtemp(join(tmpdir(), 'dbconn-demo-'));
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  process.once('exit', remove);
  toClose.push(() => {
    process.off('exit', remove);
    remove();
    return Promise.resolve();
  });
  const journal = await openSqliteJournal({
    file: join(folder, 'journal.sqlite'),
    clock: systemClock,
  });
  toClose.push(() => Promise.resolve(journal.close()));
  return journal;
}

interface Behind {
  readonly bed: RunbookPatient;
  readonly journal: SqliteJournal;
  readonly apiUrl: string;
}

function openChanges({ bed, journal, apiUrl }: Behind): Changes {
  const log = createLog('error');
  const news = createNews({
    botToken: tokens.botToken,
    apiUrl,
    channel: incidentChannel,
    places: createPlaces(journal),
    readHead: () => journal.head(),
    readSteps: (request) => journal.readSteps(request),
    log,
  });
  const parts = { clock: systemClock, refusedServices: [], refusedContainers: [] };
  const door = createDoor({
    people: createPeople({ botToken: tokens.botToken, apiUrl, clock: systemClock, log }),
    journal,
    patients: [toDoorPatient(bed, parts)],
    policy: demoPolicy(),
    clock: systemClock,
    verifyAfterMs,
    onChange: (request, step) => news.cards.tell(request, step),
    onFault: (request, err) => log.error({ err, request }, 'A change broke off'),
  });
  return { door, journal, ...news };
}

/** Everybody may propose, three people may approve, nobody their own. As many votes as elsewhere, and no waiting in between. */
function demoPolicy(): Policy {
  const [maya, jonas, dana] = people;
  const approvers = [maya.id, jonas.id, dana.id];
  const rules = Action.options.map((action) => {
    const rule: OptionPolicy = { ...defaultPolicyOf(action), approvers, cooldownMs: 0 };
    return [action, rule] as const;
  });
  return { ...defaultPolicy, options: Object.fromEntries(rules) };
}
