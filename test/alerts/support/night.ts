import { startPatient } from '../../../sandbox/patient/patient.ts';
import type { Patient } from '../../../sandbox/patient/patient.ts';
import { asAdmin, databaseName } from '../../../sandbox/patient/schema.ts';

import { dana, jonas, maya } from '../../drills/support/conversation.ts';
import { openHarness, webhookToken } from '../../support/harness.ts';
import type { Harness } from '../../support/harness.ts';
import { targetsOf } from './targets-of.ts';
import { startChain } from './chain.ts';
import type { Chain } from './chain.ts';
import { eventually } from './eventually.ts';
import type { Bot } from '../../../src/app/deps.ts';

/** The password in every DSN of these nights. PostgreSQL trusts loopback and never asks for it. */
export const password = 'canary-password-of-the-night';
const composeProject = 'stack';
/** #dba. */
const admins = 'S0DBA';

/** A real patient, the real way of an alert, and the bot at the end of it. */
export interface Night {
  readonly patient: Patient;
  readonly chain: Chain;
  readonly harness: Harness;
  readonly bot: Bot;
  close(): Promise<void>;
}

export async function openNight(incidents: Readonly<Record<string, unknown>>): Promise<Night> {
  const toClose: (() => Promise<void>)[] = [];
  const close = async (): Promise<void> => {
    for (const one of toClose.toReversed()) await one();
  };
  try {
    const patient = await startPatient({ seed: 11, maxConnections: 60, guests: 2 });
    toClose.push(() => patient.close());
    await asAdmin(patient.urls.rescue, (admin) =>
      admin.query('CREATE ROLE exporter LOGIN IN ROLE pg_monitor'),
    );
    const harness = await openHarness({
      config: configOf(patient, incidents),
      slack: { userGroups: [{ id: admins, handle: 'dba', members: [jonas] }] },
    });
    toClose.push(() => harness.close());
    const contacts = { databaseAdmins: admins, backendLead: dana };
    const bot = await harness.start({
      targets: targetsOf(patient, { password, composeProject, contacts }),
    });
    const chain = await startChain({
      exporterUrl: patient.cluster.url('exporter'),
      labels: { compose_project: composeProject, compose_service: 'postgres' },
      dbconn: `127.0.0.1:${bot.httpPort}`,
      token: webhookToken,
    });
    toClose.push(() => chain.close());
    await eventually('the exporter reads it', async () => (await chain.query('pg_up')) === 1);
    return { patient, chain, harness, bot, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Minutes elsewhere; this night shortens every duration. */
function configOf(
  { cluster }: Patient,
  incidents: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  return {
    targets: [
      {
        name: databaseName,
        database: { url: cluster.url('dbconn', databaseName, password) },
        // Alerts are placed by it; the patient's services run without Docker.
        compose: { project: composeProject, postgres: 'postgres' },
      },
    ],
    approval: { C: { approve: [maya, jonas, dana], cooldown: '0s' }, verifyAfter: '3s' },
    incidents: { every: '1s', openAfter: '2s', closeAfter: '4s', ...incidents },
    escalation: [
      { who: 'database-admins', after: '1s', unlessAssigned: true },
      { who: 'on-call', after: '3s', unlessAssigned: true },
    ],
  };
}
