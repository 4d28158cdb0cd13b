import { setTimeout as sleep } from 'node:timers/promises';
import type Docker from 'dockerode';
import { z } from 'zod';
import { withinBudget } from '../docker/within-budget.ts';

const removeBudgetMs = 10_000;
const pollMs = 100;

const Exec = z.object({ Running: z.boolean(), ExitCode: z.number().nullable() });

/**
 * Removes a file of a running container, as its own user. False when it could not: the engine's files can only be
 * written from outside, so this takes a program in the container, and a proxy that lets it be run.
 */
export async function removeContainerFile(
  docker: Docker,
  id: string,
  path: string,
): Promise<boolean> {
  try {
    return await withinBudget(removeBudgetMs, async (abortSignal) => {
      const exec = await docker
        .getContainer(id)
        .exec({ Cmd: ['rm', '-f', '--', path], abortSignal });
      // An answer that nobody reads keeps its socket, and with it this process.
      (await exec.start({ Detach: true, abortSignal })).resume();
      for (;;) {
        const state = Exec.parse(await exec.inspect({ abortSignal }));
        if (!state.Running && state.ExitCode !== null) return state.ExitCode === 0;
        await sleep(pollMs, undefined, { signal: abortSignal });
      }
    });
  } catch {
    return false; // refused, or no container to run it in
  }
}
