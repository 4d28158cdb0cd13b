import { CauseName } from '../../src/runbook/diagnose/diagnosis.ts';
import { actionIds } from '../../src/slack/messages/kit/action-ids.ts';
import type { SlackMessage } from '../slack/workspace.ts';
import type { z } from 'zod';
import { approve, awaitEnd, dana, jonas, maya, propose, proposeByPress } from './change.ts';
import type { Show } from './change.ts';
import { findButton } from './room.ts';
import { troubled } from './scene.ts';
import type { Seen, TourScene } from './scene.ts';
import {
  countForgotten,
  countStuck,
  readMaxConnections,
  readPools,
  readSlowStatements,
  soon,
} from './truth.ts';
import { expectVerdict } from './verdict.ts';

type Help = NonNullable<TourScene['help']>;

/** The remedy of a leak is a part of the story. */
export const remedied = CauseName.exclude(['connection-leak']);

/** For each of the runbook's other causes the remedy that the runbook has for it. */
export const remedies: Readonly<Record<z.infer<typeof remedied>, Help>> = {
  'slow-queries': cancelSlow,
  'uncommitted-transactions': terminateForgotten,
  'application-scaling': raiseMaxConnections,
  'pool-misconfiguration': resizePool,
  'lock-contention': stopBlockers,
};

/** Option D for what runs too long. The users ask for the same reports again at once, and the card must say so. */
async function cancelSlow(show: Show, { status }: Seen): Promise<readonly string[]> {
  const { patient } = show.stage;
  const before = await readSlowStatements(patient);
  const card = await propose(show, { by: maya, words: 'propose D slow', status });
  const votes = await approve(show, card, [jonas]);
  const end = await awaitEnd(show, card);
  const still = new Set(await readSlowStatements(patient));
  const left = before.filter((one) => still.has(one)).length;
  show.say(`\nThe truth: ${before.length} statements ran too long, and ${left} of those still do.`);
  return [
    ...votes,
    ...(await expectVerdict(show, end, ['refilled', 'partly', 'unchanged'])),
    ...(before.length > 0 ? [] : ['nothing ran too long']),
    ...(left === 0 ? [] : ['they were not cancelled']),
  ];
}

/** Option A. */
async function terminateForgotten(show: Show, { status }: Seen): Promise<readonly string[]> {
  const { patient } = show.stage;
  const before = await countForgotten(patient);
  const card = await propose(show, { by: maya, words: 'propose A', status });
  const votes = await approve(show, card, [jonas]);
  const end = await awaitEnd(show, card);
  const after = await countForgotten(patient);
  show.say(`\nThe truth: ${before} transactions were left open, and ${after} are.`);
  return [
    ...votes,
    ...(await expectVerdict(show, end, ['fixed'])),
    ...(before > 0 ? [] : ['there was nothing to end']),
    ...(after === 0 ? [] : [`${after} forgotten transactions are left`]),
  ];
}

/** Option D. Those who waited go on, and meet for moments at the same lock again: `partly` is as true as `fixed`. */
async function stopBlockers(show: Show, { status }: Seen): Promise<readonly string[]> {
  const { patient } = show.stage;
  const before = await countStuck(patient);
  const card = await propose(show, { by: maya, words: 'propose D', status });
  const votes = await approve(show, card, [jonas]);
  const end = await awaitEnd(show, card);
  const released = await soon(async () => (await countStuck(patient)) === 0);
  show.say(
    `\nThe truth: ${before} statements waited long for a lock, and ${released ? 'none does' : 'some still do'}.`,
  );
  return [
    ...votes,
    ...(await expectVerdict(show, end, ['fixed', 'partly'])),
    ...(before > 0 ? [] : ['nobody waited']),
    ...(released ? [] : ['somebody still waits']),
  ];
}

/** Option E, with the numbers of the ledger. */
async function resizePool(show: Show, { status }: Seen): Promise<readonly string[]> {
  const { patient } = show.stage;
  const [service = ''] = troubled(patient);
  const before = await readPools(patient, service);
  const card = await propose(show, { by: maya, words: `propose E ${service}`, status });
  const wanted = / to (\d+ \+ \d+), /.exec(card.text)?.[1] ?? 'numbers';
  const votes = await approve(show, card, [jonas, dana]);
  const end = await awaitEnd(show, card);
  const after = await readPools(patient, service);
  show.say(
    `\nThe truth: the pool metrics of ${service} said ${before.join(', ')}, and say ${after.join(', ')}.`,
  );
  const isWell = after.length === before.length && after.every((pool) => pool === wanted);
  return [
    ...votes,
    ...(await expectVerdict(show, end, ['fixed', 'partly', 'unchanged'])),
    ...(before.includes(wanted) ? ['the numbers are the old ones'] : []),
    ...(isWell ? [] : [`the metrics do not say ${wanted}`]),
  ];
}

/** Option B with two votes, and its undo once nobody needs it any more. */
async function raiseMaxConnections(show: Show, seen: Seen): Promise<readonly string[]> {
  const { patient } = show.stage;
  const before = await readMaxConnections(patient);
  const words =
    seen.diagnosis.proposals.find(({ option }) => option === 'B')?.command ?? 'propose B';
  const card = await propose(show, { by: maya, words, status: seen.status });
  const votes = await approve(show, card, [jonas, dana]);
  const end = await awaitEnd(show, card);
  const after = await readMaxConnections(patient);
  show.say(`\nThe truth: max_connections was ${before}, and is ${after}.`);
  const problems = [
    ...votes,
    ...(await expectVerdict(show, end, ['fixed'])),
    ...(after > before && words.endsWith(` ${after}`) ? [] : ['that is not what was asked for']),
  ];
  if (problems.length > 0) return problems;
  show.say('The service is scaled back to what it was.');
  await patient.heal();
  return takeBack(show, end, before);
}

async function takeBack(show: Show, done: SlackMessage, old: number): Promise<readonly string[]> {
  const { patient } = show.stage;
  const button = findButton(done, actionIds.undo);
  if (button === undefined) return ['the card offers no undo'];
  const card = await proposeByPress(show, maya, button);
  const votes = await approve(show, card, [jonas, dana]);
  await awaitEnd(show, card);
  const now = await readMaxConnections(patient);
  show.say(`\nThe truth: max_connections is ${now}.`);
  return [...votes, ...(now === old ? [] : [`max_connections is ${now} and was ${old}`])];
}
