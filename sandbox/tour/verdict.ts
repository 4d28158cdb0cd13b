import { Client } from 'pg';
import type { Patient } from '../patient/patient.ts';
import { databaseName } from '../patient/schema.ts';
import type { SlackMessage } from '../slack/workspace.ts';
import { expectOutcome } from './change.ts';
import type { Show } from './change.ts';
import type { OutcomeWord } from '../../src/runbook/approvals/verify/outcome.ts';
import { countStuck, readGauges, soon } from './truth.ts';

/**
 * Whether the word a card ends with is true. "Fixed" is checked against PostgreSQL and the services' own metrics, past
 * dbconn: room for new connections, nobody who waits long for a lock, and no pool with all of its connections out.
 */
export async function expectVerdict(
  show: Show,
  card: SlackMessage,
  words: readonly OutcomeWord[],
): Promise<readonly string[]> {
  const problems = expectOutcome(card, words);
  if (!card.text.startsWith('Fixed, ')) return problems;
  let wrong: readonly string[] = [];
  await soon(async () => {
    wrong = await findWrong(show.stage.patient);
    return wrong.length === 0;
  });
  show.say(`\nSeen from outside: ${wrong.length === 0 ? 'all is well' : wrong.join('; ')}.`);
  return [...problems, ...wrong.map((one) => `it says "Fixed", and ${one}`)];
}

async function findWrong(patient: Patient): Promise<readonly string[]> {
  const isRefused = await refusesClients(patient);
  const stuck = await countStuck(patient);
  const dry = (await readGauges(patient)).filter(({ checkedOut, limit }) => checkedOut >= limit);
  return [
    ...(isRefused ? ['PostgreSQL refuses a new client'] : []),
    ...(stuck > 0 ? [`${stuck} statements wait for locks`] : []),
    ...dry.map(({ service, limit }) => `${service} has all ${limit} connections checked out`),
  ];
}

async function refusesClients({ cluster }: Patient): Promise<boolean> {
  const client = new Client({ connectionString: cluster.url('app', databaseName) });
  try {
    await client.connect();
    return false;
  } catch {
    return true;
  } finally {
    await client.end().catch(() => undefined);
  }
}
