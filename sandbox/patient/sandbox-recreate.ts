import { redactText } from '../../src/runbook/snapshot/redaction/redact-text.ts';
import type {
  PoolEnvironment,
  RecreateOutcome,
  Recreation,
  ReplicaName,
} from '../../src/runbook/remedies/e-resize-pool/ports.ts';
import { BackendProcess } from './backend-process.ts';
import type { Fleet } from './fleet.ts';
import { readHealth } from './read-health.ts';

const unchanged = { ended: null, exitCode: null, lastLogLines: [] };

/**
 * Puts a process with other pool numbers in a replica's place, as a container would be made anew: the old one is
 * stopped first, and runs again when the new one does not come up. Never throws.
 */
export async function recreateReplica(
  fleet: Fleet,
  { id, name }: ReplicaName,
  { environment }: Recreation,
): Promise<RecreateOutcome> {
  const old = fleet.replicas.find((candidate) => candidate.id === id);
  if (old === undefined) return missing(name);
  const poolSize = environment.poolSize ?? old.options.poolSize;
  const maxOverflow = environment.maxOverflow ?? old.options.maxOverflow;
  const fresh = new BackendProcess({ ...old.options, poolSize, maxOverflow });
  fresh.takeUsersOf(old);
  await old.stop();
  const ended = await begin(fresh);
  if (ended === 'healthy') {
    fleet.replace(old, fresh);
    return { ...unchanged, result: 'recreated', ...describe(fresh) };
  }
  await fresh.stop();
  const lastLogLines = fresh.lines(10).map(({ text }) => redactText(text));
  const result = (await begin(old)) === 'healthy' ? 'put back' : 'down';
  return { result, ended, exitCode: fresh.exitCode, lastLogLines, ...describe(old) };
}

/** The swap above is over before its answer is: whichever has the name is the one. A stopped one is started. */
export async function settleReplica(
  fleet: Fleet,
  { id, name }: ReplicaName,
): Promise<RecreateOutcome> {
  const replica = fleet.replicas.find((candidate) => candidate.name === name);
  if (replica === undefined) return missing(name);
  const wasRunning = replica.running;
  if (!wasRunning && (await begin(replica)) !== 'healthy') {
    return { ...unchanged, result: 'down', ...describe(replica) };
  }
  const result = replica.id !== id ? 'recreated' : wasRunning ? 'untouched' : 'put back';
  return { ...unchanged, result, ...describe(replica) };
}

async function begin(replica: BackendProcess): Promise<'healthy' | 'unhealthy' | 'exited'> {
  try {
    await replica.start();
  } catch {
    return 'exited';
  }
  return (await readHealth(replica)) === 'healthy' ? 'healthy' : 'unhealthy';
}

function describe({ id, options }: BackendProcess): { id: string; environment: PoolEnvironment } {
  const { poolSize, maxOverflow } = options;
  return { id, environment: { poolSize, maxOverflow } };
}

function missing(name: string): RecreateOutcome {
  const summary = `There is no replica ${name}.`;
  const problem = { kind: 'missing', summary } as const;
  return { ...unchanged, result: 'unknown', id: null, environment: null, problem };
}
