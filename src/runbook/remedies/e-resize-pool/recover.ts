import { z } from 'zod';
import type { PoolTarget, ReplicaTarget } from '../plan.ts';
import type { Interrupted, Report, RunControl, StepEntry } from '../remedy.ts';
import { firstReplicaStep } from './draft.ts';
import { endResize } from './end.ts';
import type { EnvEdit, OptionEPorts, RecreateOutcome } from './ports.ts';
import { replicasOf } from '../replicas/service-replicas.ts';
import { poolOf } from './ports.ts';
import { checkAgain, hasNumbers } from './recreate.ts';
import type { ReplicaResult } from './recreate.ts';

const EditFacts = z.object({
  path: z.string(),
  copyPath: z.string(),
  oldSha256: z.string().nullable(),
  newSha256: z.string(),
});

const TurnFacts = z.object({
  replica: z.string(),
  poolSize: z.number().nullable().default(null),
  maxOverflow: z.number().nullable().default(null),
});

const notBegun = 'dbconn stopped before it';

/**
 * Settles each container that was being recreated, so that one of it is left, and then brings `.env` in line with
 * them. Containers that were not reached stay as they are; numbers that failed are taken back from all.
 */
export async function recoverResize(
  ports: OptionEPorts,
  { plan, steps }: Interrupted,
  control: RunControl,
): Promise<Report> {
  const replicas = replicasOf(plan.targets);
  const pool = poolOf(plan);
  const edit = readEdit(steps);
  if (edit === undefined) return untouched(pool.file, replicas);
  const replicaResults: ReplicaResult[] = [];
  for (const [index, replica] of replicas.entries()) {
    const step = firstReplicaStep + index;
    replicaResults.push(await settle(ports, { steps, control }, { step, replica, pool }));
  }
  const halted = replicaResults.some(({ outcome }) => outcome === undefined) ? notBegun : undefined;
  return endResize(ports, { plan, control, edit, replicaResults, halted });
}

function readEdit(steps: readonly StepEntry[]): EnvEdit | undefined {
  const begun = steps.find(({ kind, step }) => kind === 'intended' && step === 0);
  return EditFacts.safeParse(begun?.facts).data;
}

interface Place {
  readonly step: number;
  readonly replica: ReplicaTarget;
  readonly pool: PoolTarget;
}

/** The last intent names the container that was being replaced: after an undo that is the newer one. */
async function settle(
  ports: OptionEPorts,
  { steps, control }: Pick<Interrupted, 'steps'> & { readonly control: RunControl },
  { step, replica, pool }: Place,
): Promise<ReplicaResult> {
  const intents = steps.filter((entry) => entry.kind === 'intended' && entry.step === step);
  const begun = TurnFacts.safeParse(intents.at(-1)?.facts).data;
  if (begun === undefined) return { step, replica, before: null, outcome: undefined };
  const { replica: id, ...before } = begun;
  const { name } = replica;
  const told = await ports.poolSettings.settleReplica({ id, name }, ports.healthyWithinMs);
  const settled = await checkAgain(ports, control, { replica: { id, name }, told });
  const outcome = wasPutBack(settled, { steps, step, pool }) ? putBack(settled) : settled;
  return { step, replica, before, outcome };
}

interface Traces extends Pick<Place, 'step' | 'pool'> {
  readonly steps: readonly StepEntry[];
}

/** The journal says so; or it was recreated, but with the numbers of before: then it was being taken back. */
function wasPutBack(
  { result, environment }: RecreateOutcome,
  { steps, step, pool }: Traces,
): boolean {
  const last = steps.findLast((entry) => entry.kind === 'done' && entry.step === step);
  const isNew = hasNumbers(environment, pool.to);
  return (
    (result === 'untouched' && !isNew && last?.facts?.['result'] === 'put back') ||
    (result === 'recreated' && !isNew)
  );
}

function putBack(settled: RecreateOutcome): RecreateOutcome {
  return { ...settled, result: 'put back' };
}

function untouched(file: string, replicas: readonly ReplicaTarget[]): Report {
  return {
    items: replicas.map(({ name }) => ({
      what: name,
      outcome: 'not reached',
      detail: `${notBegun}.`,
      lines: [],
    })),
    summary: `It was interrupted before the first step. ${file} and the containers are unchanged.`,
    finished: false,
  };
}
