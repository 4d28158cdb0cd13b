import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import { systemClock } from '../src/clock.ts';
import { createLog } from '../src/log.ts';
import { createDatabase } from '../src/postgres/lifeline.ts';
import { createRunbook } from '../src/runbook/runbook.ts';
import type { Patient as RunbookPatient, Runbook } from '../src/runbook/runbook.ts';
import { createSlackApp } from '../src/slack/app.ts';
import { servePage } from './page/page.ts';
import { startPatient } from './patient/patient.ts';
import type { Patient } from './patient/patient.ts';
import { identity } from './slack/identity.ts';
import { startSlack } from './slack/server.ts';
import type { LocalSlack } from './slack/server.ts';

export const incidentChannel = 'C0DATABASE';

/** The people of the demo's workspace. */
export const people = [
  { id: 'U0MAYA', name: 'maya', realName: 'Maya (on call)' },
  { id: 'U0JONAS', name: 'jonas', realName: 'Jonas (DBA)' },
  { id: 'U0GUEST', name: 'guest', realName: 'Guest of another company', guest: true },
] as const;

/** A patient, a Slack and the bot between them: all real but Slack, all on this machine. */
export interface Stage {
  readonly patient: Patient;
  readonly slack: LocalSlack;
  /** The runbook of the scene on stage. */
  readonly runbook: Runbook;
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
    let runbook = createRunbook([bed], systemClock);
    const onStage: Runbook = {
      targets: runbook.targets,
      diagnose: (target) => runbook.diagnose(target),
      doctor: (target) => runbook.doctor(target),
      close: () => runbook.close(),
    };
    const app = createSlackApp({
      connection: { kind: 'socket', appToken: tokens.appToken },
      botToken: tokens.botToken,
      apiUrl: slack.apiUrl,
      channel: incidentChannel,
      runbook: onStage,
      log: createLog('error'),
    });
    await app.start();
    toClose.push(() => app.stop());
    const newScene = (): void => {
      runbook = createRunbook([bed], systemClock);
    };
    return { patient, slack, runbook: onStage, newScene, close };
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
      return patient.target();
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
  };
}
