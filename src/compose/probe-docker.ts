import { randomUUID } from 'node:crypto';
import type Docker from 'dockerode';
import type { Permission, ServicePermissions } from '../runbook/snapshot/ports.ts';
import { withinBudget } from '../docker/within-budget.ts';
import { readStatus, toProblem } from '../docker/failure.ts';
import type { DockerAction } from '../docker/failure.ts';

const callBudgetMs = 2_000;

/**
 * Finds out what the engine, or the proxy before it, lets dbconn do, and changes nothing: it asks to restart
 * and to run something in a container that cannot exist. "No such container" comes from the engine, so the
 * request was let through; a proxy refuses it before. Never throws.
 */
export async function probeDocker(docker: Docker): Promise<ServicePermissions> {
  const nobody = `dbconn-probe-${randomUUID()}`;
  const container = docker.getContainer(nobody);
  const [read, restart, create, start] = await Promise.all([
    probe('read', (abortSignal) => docker.listContainers({ limit: 1, abortSignal })),
    probe('restart', (abortSignal) => container.restart({ abortSignal, _query: {} })),
    probe('exec', (abortSignal) => container.exec({ Cmd: ['true'], abortSignal })),
    // A proxy may allow to prepare a program and refuse to start it.
    probe('exec', (abortSignal) => docker.getExec(nobody).start({ abortSignal })),
  ]);
  return { read, restart, exec: create.state === 'allowed' ? start : create };
}

async function probe(
  action: DockerAction,
  call: (signal: AbortSignal) => Promise<unknown>,
): Promise<Permission> {
  try {
    await withinBudget(callBudgetMs, call);
    return { state: 'allowed' };
  } catch (error) {
    const problem = toProblem(error, 'a container', action);
    // A 404 in words is the engine's; one in HTML is some other server's.
    if (readStatus(error) === 404 && problem.kind === 'missing') return { state: 'allowed' };
    return { state: problem.kind === 'forbidden' ? 'refused' : 'unknown', problem };
  }
}
