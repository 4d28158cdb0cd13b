import { redactText } from '../../src/runbook/snapshot/redaction/redact-text.ts';

import type { BackendProcess } from './backend-process.ts';
import type { Fleet } from './fleet.ts';
import { readHealth } from './read-health.ts';
import type { RestartOutcome } from '../../src/runbook/remedies/c-restart-service/ports.ts';

/** Restarts one replica's process; it keeps the address of its metrics. Never throws. */
export async function restartReplica(fleet: Fleet, id: string): Promise<RestartOutcome> {
  const replica = fleet.replicas.find((candidate) => candidate.id === id);
  const before = { startedAfter: null, exitCode: null, oomKilled: false, healthOutput: null };
  if (replica === undefined) {
    const summary = `There is no replica ${id}.`;
    return {
      ...before,
      result: 'not-restarted',
      lastLogLines: [],
      problem: { kind: 'missing', summary },
    };
  }
  const startedAt = new Date().toISOString();
  try {
    await replica.restart();
  } catch {
    return {
      ...before,
      result: 'exited',
      exitCode: replica.exitCode,
      lastLogLines: linesSince(replica, startedAt),
    };
  }
  const health = await readHealth(replica);
  return {
    ...before,
    result: health === 'healthy' ? 'healthy' : 'unhealthy',
    startedAfter: replica.startedAt,
    lastLogLines: linesSince(replica, startedAt),
  };
}

function linesSince(replica: BackendProcess, startedAt: string): string[] {
  const since = replica.lines(10).filter(({ at }) => at >= startedAt);
  return since.map(({ text }) => redactText(text));
}
