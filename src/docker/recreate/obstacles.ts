import type Docker from 'dockerode';
import type { Obstacle } from '../../runbook/remedies/e-resize-pool/ports.ts';
import { toProblem } from '../failure.ts';
import { withTimeout } from '../../timing.ts';
import type { Recreatable } from './container-spec.ts';
import { inspectContainer } from './engine-calls.ts';

const callBudgetMs = 2_000;
/** Read for what hangs on the container; an engine with more is nobody's single machine. */
const maxContainers = 500;
/** Inspected at a time: an engine in trouble has other callers too. */
const atOnce = 20;

/** Why these containers cannot be recreated: there would be no way back, or others would break. */
export async function readObstacles(
  docker: Docker,
  ids: readonly string[],
): Promise<readonly Obstacle[]> {
  try {
    const listed = await withTimeout(callBudgetMs, (abortSignal) =>
      docker.listContainers({ all: true, abortSignal }),
    );
    const isOwn = (full: string): boolean => ids.some((id) => full.startsWith(id));
    const present = listed
      .map(({ Id: id }) => id)
      .toSorted((a, b) => Number(isOwn(b)) - Number(isOwn(a)));
    const all = await inspectAll(docker, present.slice(0, maxContainers));
    return ids.flatMap((id) => {
      const own = all.find(({ Id: full }) => full.startsWith(id));
      const reason = own === undefined ? 'Docker does not know it' : findObstacle(own, all);
      return reason === undefined ? [] : [{ id, reason }];
    });
  } catch (error) {
    const { summary } = toProblem(error, 'the list of containers');
    return ids.map((id) => ({ id, reason: summary }));
  }
}

/** One that ends in this moment hangs on nothing any more; one of ours that is missing is an obstacle above. */
async function inspectAll(docker: Docker, ids: readonly string[]): Promise<Recreatable[]> {
  const found: Recreatable[] = [];
  for (let from = 0; from < ids.length; from += atOnce) {
    const batch = ids.slice(from, from + atOnce).map((id) => inspectContainer(docker, id));
    found.push(...(await Promise.all(batch)).flatMap(({ inspected }) => inspected ?? []));
  }
  return found;
}

function findObstacle(own: Recreatable, all: readonly Recreatable[]): string | undefined {
  if (own.HostConfig.AutoRemove === true) return 'it is removed when it stops';
  const labels = own.Config.Labels ?? {};
  if (labels['com.docker.swarm.service.name'] !== undefined) return 'Docker Swarm keeps it';
  // The lender may have been recreated since, and the name it is known by here is an id that is gone.
  if (own.HostConfig.NetworkMode?.startsWith('container:') === true) {
    return 'it borrows the network of another container';
  }
  const leaning = all.filter((other) => other.Id !== own.Id && leansOn(other, own));
  if (leaning.length === 0) return undefined;
  const names = leaning.slice(0, 3).map(({ Name: name }) => name.replace(/^\//, ''));
  return `its network, processes or volumes are used by ${names.join(', ')}`;
}

/** Such a container knows the other by its id or name, and would be left without what it borrowed. */
function leansOn({ HostConfig: host }: Recreatable, { Id: id, Name: name }: Recreatable): boolean {
  const names = [id, name.replace(/^\//, '')];
  const modes = [host.NetworkMode, host['IpcMode'], host['PidMode']];
  return (
    modes.some((mode) => names.some((one) => mode === `container:${one}`)) ||
    (host.VolumesFrom ?? []).some((from) => names.includes(from.split(':')[0] ?? '')) ||
    (host.Links ?? []).some((link) => link.startsWith(`${name}:`))
  );
}
