import { poll } from '../../../timing.ts';
import type { PoolReading } from '../../snapshot/readings.ts';
import type { Snapshot } from '../../snapshot/snapshot.ts';
import { count } from '../../snapshot/words.ts';
import type { Plan, PoolTarget } from '../plan.ts';
import { countOutcomes } from '../remedy.ts';
import type { Item, Report, RunControl } from '../remedy.ts';
import { firstReplicaStep } from './draft.ts';
import { replicasOf } from '../replicas/service-replicas.ts';
import { poolOf } from './ports.ts';
import type { EnvEdit, OptionEPorts } from './ports.ts';
import { hasFailed, hasNewNumbers, recreate, toItem } from './recreate.ts';
import type { ReplicaResult } from './recreate.ts';

const pollMs = 1000;

/** What the pool's own metrics say of a change; `stayed`: they show the old numbers, and the change did nothing. */
interface PoolProof {
  readonly shows: 'new' | 'stayed' | 'nothing';
  readonly sentence: string;
}

/**
 * Looks until the pool metrics show the plan's numbers, or the time is up. An endpoint may have further pools, which
 * keep their own size: one of them with the new numbers is enough for each.
 */
async function provePools(
  { takeSnapshot, clock, shownWithinMs }: OptionEPorts,
  pool: PoolTarget,
): Promise<PoolProof> {
  const { poolSize, maxOverflow } = pool.to;
  return poll({ everyMs: pollMs, withinMs: shownWithinMs, clock }, async (isOver) => {
    const endpoints = readingsOf(await takeSnapshot(), pool);
    if (endpoints.length > 0 && endpoints.every((pools) => pools.some((one) => shows(one, pool)))) {
      const sentence = `Its containers and its pool metrics show ${poolSize} + ${maxOverflow}.`;
      return { shows: 'new', sentence };
    }
    return isOver() ? explain(endpoints, pool) : undefined;
  });
}

function explain(endpoints: readonly (readonly PoolReading[])[], pool: PoolTarget): PoolProof {
  const { to } = pool;
  const other = endpoints
    .filter((pools) => !pools.some((one) => shows(one, pool)))
    .flatMap((pools) => pools.filter(({ size }) => size !== null))[0];
  if (other !== undefined) {
    const now = other.size === to.poolSize ? `${other.size} + ${other.maxOverflow}` : other.size;
    const sentence = `Its pool metrics still show ${now}: the application does not use these variables.`;
    return { shows: 'stayed', sentence };
  }
  const proven = `Its containers have ${to.poolSize} + ${to.maxOverflow} in their environment.`;
  const sentence = `${proven} No pool metrics could confirm that.`;
  return { shows: 'nothing', sentence };
}

/** Endpoint by endpoint, those of which pools were read. */
function readingsOf(
  { pools }: Snapshot,
  { service }: PoolTarget,
): readonly (readonly PoolReading[])[] {
  if (!pools.ok) return [];
  return pools.value
    .filter((endpoint) => endpoint.service === service && endpoint.pools.length > 0)
    .map((endpoint) => endpoint.pools);
}

/** A figure the metrics lack says nothing against it. */
function shows({ size, maxOverflow }: PoolReading, { to }: PoolTarget): boolean {
  return size === to.poolSize && (maxOverflow === null || maxOverflow === to.maxOverflow);
}

interface ResizeEnd {
  readonly plan: Plan;
  readonly control: RunControl;
  readonly edit: EnvEdit;
  readonly replicaResults: readonly ReplicaResult[];
  readonly halted: string | undefined;
}

/**
 * Brings `.env` in line with the containers, whatever became of them: the new numbers stay where containers run with
 * them; numbers that one container did not start with are taken back from all. What cannot be seen is left alone.
 */
export async function endResize(ports: OptionEPorts, end: ResizeEnd): Promise<Report> {
  const { replicaResults, plan } = end;
  const pool = poolOf(plan);
  if (replicaResults.some(({ outcome }) => outcome?.result === 'unknown')) return leaveOpen(end);
  if (replicaResults.some(hasFailed)) return takeBack(ports, end);
  const fresh = replicaResults.filter((replicaResult) => hasNewNumbers(replicaResult, pool));
  if (fresh.length === 0) return takeBack(ports, end);
  const isWhole = fresh.length === replicaResults.length;
  const proof = isWhole ? await prove(ports, end) : undefined;
  if (proof?.shows === 'stayed') return takeBack(ports, end, proof.sentence);
  await removeCopy(ports, end);
  const items = [envItem(pool, 'set', `${pool.file} has the new numbers.`), ...itemsOf(end)];
  const summary = proof?.sentence ?? mixed(pool, fresh.length, replicaResults.length);
  return report(end, items, { finished: isWhole, summary });
}

function mixed({ file }: PoolTarget, fresh: number, all: number): string {
  return `${fresh} of ${count(all, 'container')} and ${file} have the new numbers. docker compose up applies them to the rest.`;
}

async function prove(ports: OptionEPorts, { plan, control }: ResizeEnd): Promise<PoolProof> {
  const step = firstReplicaStep + replicasOf(plan.targets).length;
  await control.intend({ step, sentence: 'read the pool metrics' });
  const proof = await provePools(ports, poolOf(plan));
  await control.record({ step, sentence: proof.sentence });
  return proof;
}

async function removeCopy(
  { poolSettings }: OptionEPorts,
  { plan, control, edit }: ResizeEnd,
): Promise<void> {
  const step = firstReplicaStep + replicasOf(plan.targets).length + 1;
  await control.intend({ step, sentence: `remove the copy of ${poolOf(plan).file}` });
  await poolSettings.removeCopy(edit);
  await control.record({ step, sentence: `The copy of ${poolOf(plan).file} is removed` });
}

/**
 * Containers first: while one of them has the new numbers, so has the file they would be started from.
 * @param stayed why numbers with which every container is well are taken back all the same.
 */
async function takeBack(ports: OptionEPorts, end: ResizeEnd, stayed?: string): Promise<Report> {
  const { control, edit, plan } = end;
  const pool = poolOf(plan);
  const replicaResults: ReplicaResult[] = [];
  for (const replicaResult of end.replicaResults) {
    replicaResults.push(
      hasNewNumbers(replicaResult, pool)
        ? await takeBackOne(ports, control, { replicaResult, plan })
        : replicaResult,
    );
  }
  const after = { ...end, replicaResults };
  const isOpen = (replicaResult: ReplicaResult): boolean =>
    replicaResult.outcome?.result === 'unknown' || hasNewNumbers(replicaResult, pool);
  if (replicaResults.some(isOpen)) return leaveOpen(after);
  const { file } = pool;
  await control.intend({ step: 1, sentence: `restore the old ${file}` });
  const state = await ports.poolSettings.putBack(edit);
  const isBack = state === 'old';
  const takenBackSentence = isBack
    ? `${file} is as before.`
    : `Somebody edited ${file} meanwhile, so dbconn did not change it.`;
  await control.record({ step: 1, sentence: takenBackSentence });
  if (isBack) await removeCopy(ports, end);
  const kept = isBack ? '' : ` Its old numbers are in ${edit.copyPath}.`;
  const items = [
    envItem(pool, isBack ? 'put back' : 'failed', `${takenBackSentence}${kept}`),
    ...itemsOf(after),
  ];
  const failed = end.replicaResults.some(hasFailed);
  const why = stayed === undefined ? 'The new numbers did not work.' : stayed;
  const summary =
    failed || stayed !== undefined
      ? `${why} They were undone: ${oldInWords(pool.from)}`
      : 'No container has the new numbers.';
  return report(after, items, { finished: false, summary });
}

function oldInWords(from: ReturnType<typeof poolOf>['from']): string {
  if (from === null) return 'the containers have their old numbers.';
  return `the containers have ${from.poolSize} + ${from.maxOverflow} as before.`;
}

interface Back {
  readonly replicaResult: ReplicaResult;
  readonly plan: Plan;
}

async function takeBackOne(
  ports: OptionEPorts,
  control: RunControl,
  { replicaResult, plan }: Back,
): Promise<ReplicaResult> {
  const { step, replica, before, outcome } = replicaResult;
  const id = outcome?.id ?? replica.id;
  const environment = before ?? poolOf(plan).from ?? { poolSize: null, maxOverflow: null };
  const turn = { step, replica: { id, name: replica.name }, before, environment };
  const undone = await recreate(ports, control, turn);
  // It runs with the old numbers now: for the plan that is a container that was put back.
  return {
    ...replicaResult,
    outcome: undone.result === 'recreated' ? { ...undone, result: 'put back' } : undone,
  };
}

/** Nothing is guessed: neither the file nor its copy is touched while it is not known which numbers run. */
function leaveOpen(end: ResizeEnd): Report {
  const detail = `It has the new numbers. The old ones are in ${end.edit.copyPath}.`;
  const pool = poolOf(end.plan);
  return report(end, [envItem(pool, 'unknown', detail), ...itemsOf(end)], {
    finished: false,
    summary: `A container could not be checked or restored, so dbconn left ${pool.file} and its copy unchanged.`,
  });
}

function itemsOf({ replicaResults, halted }: ResizeEnd): Item[] {
  return replicaResults.map((replicaResult) => toItem(replicaResult, halted));
}

function envItem({ file }: PoolTarget, outcome: Item['outcome'], detail: string): Item {
  return { what: file, outcome, detail, lines: [] };
}

function report(
  { replicaResults, plan }: ResizeEnd,
  items: readonly Item[],
  { finished, summary }: Pick<Report, 'finished' | 'summary'>,
): Report {
  const containers = items.filter(({ what }) => what !== poolOf(plan).file);
  const counted = `Of ${count(replicaResults.length, 'container')}: ${countOutcomes(containers)}.`;
  return { items: [...items], summary: `${counted} ${summary}`, finished };
}
