import { startPatient } from '../../../sandbox/patient/patient.ts';
import type { Patient } from '../../../sandbox/patient/patient.ts';
import type { StoredJournal } from '../../../src/journal/stored-journal.ts';
import { database, jonas } from '../../drills/support/conversation.ts';
import { openHarness } from '../../support/harness.ts';
import type { Harness } from '../../support/harness.ts';
import { makeJournalFolder } from '../../journal/temporary-journal.ts';
import { appToken, botToken } from '../../slack/support/workspace.ts';
import { startEngine } from '../engine.ts';
import type { Engine } from '../engine.ts';
import { startBots } from './successive-bots.ts';
import type { SuccessiveBots } from './successive-bots.ts';
import type { Point } from './point.ts';

/** A patient that is in trouble again and again, one story after the other. */
export interface StoryPatient {
  readonly patient: Patient;
  readonly engine: Engine;
  close(): Promise<void>;
}

/** One story: its Slack, its PagerDuty, its journal, and whoever tells it. */
export interface Stage extends StoryPatient {
  readonly harness: Harness;
  readonly journal: StoredJournal;
  readonly bots: SuccessiveBots;
  /** The service that leaks. */
  readonly service: string;
  /** Whether all its replicas were restarted. */
  readonly isHelped: () => boolean;
}

const admins = 'S0DBA00000';

export async function openStoryPatient(seed: number): Promise<StoryPatient> {
  const patient = await startPatient({ seed });
  const engine = await startEngine({
    services: patient.services(),
    pools: patient.pools(),
    serverHost: patient.serverHost(),
  });
  return {
    patient,
    engine,
    async close() {
      await engine.close();
      await patient.close();
    },
  };
}

/** Seconds instead of minutes, each long enough to be told from the others. */
const rules = {
  approval: { C: { approve: [jonas], cooldown: '0s' }, verifyAfter: '1s' },
  incidents: { watch: false, every: '1s', closeAfter: '2s' },
  escalation: [
    { who: 'database-admins', after: '1s' },
    { who: 'on-call', after: '2s' },
  ],
};

/** Makes the backend leak, and lets a first bot begin. */
export async function openStage(
  storyPatient: StoryPatient,
  points: readonly Point[],
): Promise<Stage> {
  const { patient, engine } = storyPatient;
  const folder = makeJournalFolder();
  const { urls } = patient;
  const harness = await openHarness({
    config: {
      targets: [{ name: patient.target().name, database: { url: urls.dbconn } }],
      journal: folder.file,
      ...rules,
    },
    slack: { userGroups: [{ id: admins, handle: 'dba', members: [jonas] }], ackTimeoutMs: 3000 },
  });
  const journal = await folder.open();
  engine.forgetCalls();
  await patient.trouble('connection-leak', { leak: 'transaction' });
  const target = { ...patient.target(), contacts: { databaseAdmins: admins } };
  const [, service] = target.services.map(({ name }) => name);
  if (service === undefined) throw new Error('Nothing leaks.');
  const replicas = patient.fleet.replicasOf(service);
  const startedAt = replicas.map((replica) => replica.startedAt);
  const bots = startBots(
    {
      file: harness.file,
      slack: { apiUrl: harness.wire.apiUrl, botToken, appToken },
      engine: engine.address,
      patientTarget: { target, urls },
      // Short enough that nobody waits for a dead process, longer than one stands still on a busy machine.
      leaseMs: 1500,
      sendIntervalMs: 50,
    },
    points,
  );
  return {
    ...storyPatient,
    harness,
    journal,
    bots,
    service,
    isHelped: () => replicas.every((replica, index) => replica.startedAt !== startedAt[index]),
    async close() {
      await bots.close();
      await harness.close();
      folder.close();
      await patient.heal();
    },
  };
}

export const channel = database;
