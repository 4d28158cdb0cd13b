import { afterEach, expect, test } from 'vitest';
import { createDatabase } from '../../src/postgres/lifeline.ts';
import { diagnose } from '../../src/runbook/diagnose/diagnose.ts';
import type { Diagnosis } from '../../src/runbook/diagnose/diagnosis.ts';
import type { Reach } from '../../src/runbook/snapshot/snapshot.ts';
import { aSnapshot, aTarget } from '../runbook/diagnose/builders.ts';
import { databaseOptions } from '../support/database-options.ts';
import { RefusingServer } from './refusing-server.ts';
import type { Refusal } from './refusing-server.ts';

/** What PostgreSQL 15 sent with lc_messages = de_DE.UTF-8, 18 with others: copied from the wire. */
const roleLimit = {
  S: 'FATAL',
  V: 'FATAL',
  C: '53300',
  M: 'zu viele Verbindungen von Rolle »dbconn«',
  F: 'miscinit.c',
  L: '842',
  R: 'InitializeSessionUserId',
};
const databaseLimit = {
  ...roleLimit,
  M: 'zu viele Verbindungen für Datenbank »lim«',
  F: 'postinit.c',
  L: '384',
  R: 'CheckMyDatabase',
};
const full = {
  ...roleLimit,
  M: 'désolé, trop de clients sont déjà connectés',
  F: 'proc.c',
  L: '355',
  R: 'InitProcess',
};
const shuttingDown = {
  ...roleLimit,
  C: '57P03',
  M: 'das Datenbanksystem fährt herunter',
  F: 'postmaster.c',
  L: '2430',
  R: 'ProcessStartupPacket',
};
const noUser = {
  ...shuttingDown,
  C: '28000',
  M: 'kein PostgreSQL-Benutzername im Startpaket angegeben',
  L: '2349',
};
/** From 17 on, in another file. */
const newer = { ...shuttingDown, F: 'backend_startup.c', R: 'BackendInitialize' };

let server: RefusingServer | undefined;
afterEach(() => {
  server?.close();
  server = undefined;
});

async function look(
  refusal: Refusal,
  withoutUser?: Refusal,
): Promise<{ readonly told: Diagnosis; readonly error: Reach['error'] }> {
  server = await RefusingServer.start(refusal, withoutUser);
  const database = createDatabase(databaseOptions(server.url));
  const answer = await database.readSnapshot();
  await database.close();
  const snapshot = { ...aSnapshot(), database: answer };
  return {
    told: diagnose({ snapshot, target: aTarget(), recent: [] }),
    error: answer.reach.error,
  };
}

test.for([
  ["dbconn's own role", roleLimit, 'role', 'unknown'],
  ['the database', databaseLimit, 'database', 'critical'],
  ['the server', full, 'server', 'critical'],
] as const)('whose limit is used up is told without the text: %s', async (row) => {
  const [, refusal, scope, state] = row;
  const { told, error } = await look(refusal);
  expect(error).toMatchObject({ kind: 'full', scope, sqlstate: '53300' });
  expect(told).toMatchObject({ state });
  expect(told.findings.map(({ id }) => id)).toContain(`${scope}-full`);
});

test.for([
  ['shutting down, 13', { ...shuttingDown, L: '2362' }, { ...noUser, L: '2293' }, 'shutting-down'],
  ['shutting down, 14 to 16', shuttingDown, noUser, 'shutting-down'],
  ['starting up, 13 to 16', { ...shuttingDown, L: '2413' }, noUser, 'starting'],
  ['recovering, 14 to 16', { ...shuttingDown, L: '2435' }, noUser, 'starting'],
  ['shutting down, 17', { ...newer, L: '294' }, undefined, 'shutting-down'],
  ['shutting down, 18', { ...newer, L: '333' }, undefined, 'shutting-down'],
  ['starting up, 18', { ...newer, L: '316' }, undefined, 'starting'],
  ['not consistent yet', { ...newer, L: '1', D: 'Noch nicht konsistent.' }, undefined, 'starting'],
  ['a build with other lines', { ...newer, L: '1' }, undefined, 'not-accepting'],
  ['a server that says nothing else', shuttingDown, shuttingDown, 'not-accepting'],
] as const)('what it does that lets nobody in is told without the text: %s', async (row) => {
  const [, refusal, withoutUser, detail] = row;
  const { told, error } = await look(refusal, withoutUser);
  expect(error).toMatchObject({ kind: 'stopped', detail, sqlstate: '57P03' });
  expect(told.state).toBe('critical');
  const words = {
    'shutting-down': 'PostgreSQL is shutting down.',
    starting: 'PostgreSQL is starting up and accepts no connections yet.',
    'not-accepting':
      'PostgreSQL accepts no connections: it is starting up, recovering or shutting down.',
  };
  expect(told.headline).toBe(words[detail]);
});

test('an answer nobody expected is told by its SQLSTATE, and is no trouble of the network', async () => {
  const { told, error } = await look({ ...full, C: '22021', M: 'ungültige Byte-Sequenz', R: 'x' });
  expect(error).toMatchObject({ kind: 'server-error', sqlstate: '22021' });
  expect(error?.summary).toBe('The server answered with SQLSTATE 22021.');
  expect(told).toMatchObject({
    state: 'unknown',
    headline: 'PostgreSQL answered the check with SQLSTATE 22021.',
  });
  expect(JSON.stringify(told)).not.toMatch(/network|Byte-Sequenz/);
});
