import type Docker from 'dockerode';
import type { Problem } from '../runbook/diagnose/snapshot.ts';
import { withinBudget } from './budget.ts';
import { readStatus, toProblem } from './failure.ts';
import { Recreatable } from './recreate-spec.ts';
import type { RecreateSpec } from './recreate-spec.ts';

/**
 * The calls a container is made anew with. Each has a time of its own and says with `_query` and `_body` what goes
 * where: left to itself dockerode puts a body, passwords and all, into the address too, and proxies log that.
 */

const inspectBudgetMs = 2_000;
/** What Docker needs for networks, mounts and processes on a machine in trouble. */
const changeBudgetMs = 20_000;
/** Docker's own, where a container has none. */
const stopTimeoutSeconds = 10;
const nothingMore = { _query: {}, _body: {} };

interface Seen {
  readonly found: Recreatable | null;
  /** Why it could not be looked at; absent when Docker says that there is no such container. */
  readonly problem?: Problem;
}

export async function see(docker: Docker, idOrName: string): Promise<Seen> {
  try {
    const answer = await withinBudget(inspectBudgetMs, (abortSignal) =>
      docker.getContainer(idOrName).inspect({ abortSignal }),
    );
    return { found: Recreatable.parse(answer) };
  } catch (error) {
    const problem = toProblem(error, `container ${idOrName.slice(0, 60)}`);
    // A proxy may answer 404 too; then the problem is another one than a missing container.
    const gone = readStatus(error) === 404 && problem.kind === 'missing';
    return gone ? { found: null } : { found: null, problem };
  }
}

/** The id an image's name leads to now; null when it leads nowhere any more. */
export async function readImageId(docker: Docker, image: string): Promise<string | null> {
  try {
    // The old container still runs, so a slow answer costs nobody anything; giving up would cost the change.
    const { Id: id } = await withinBudget(changeBudgetMs, () => docker.getImage(image).inspect());
    return id;
  } catch (error) {
    if (readStatus(error) === 404) return null;
    throw error;
  }
}

export async function rename(docker: Docker, id: string, name: string): Promise<void> {
  await withinBudget(changeBudgetMs, (abortSignal) =>
    docker.getContainer(id).rename({ abortSignal, _query: { name }, _body: {} }),
  );
}

/** Creates without starting, and joins all networks. Returns the new id. */
export async function create(docker: Docker, spec: RecreateSpec): Promise<string> {
  const options: Docker.ContainerCreateOptions & { _query: object; _body: object } = {
    _query: { name: spec.name },
    _body: spec.body,
  };
  const { id } = await withinBudget(changeBudgetMs, () => docker.createContainer(options));
  for (const [network, EndpointConfig] of spec.furtherNetworks) {
    await withinBudget(changeBudgetMs, () =>
      docker.getNetwork(network).connect({ Container: id, EndpointConfig }),
    );
  }
  return id;
}

/** As long as the container itself says it needs. One that is stopped already is as good. */
export async function stop(docker: Docker, { Id: id, Config: config }: Recreatable): Promise<void> {
  const graceMs = (config.StopTimeout ?? stopTimeoutSeconds) * 1000;
  await unlessSo(() =>
    withinBudget(graceMs + changeBudgetMs, (abortSignal) =>
      docker.getContainer(id).stop({ abortSignal, ...nothingMore }),
    ),
  );
}

export async function start(docker: Docker, id: string): Promise<void> {
  await unlessSo(() =>
    withinBudget(changeBudgetMs, (abortSignal) =>
      docker.getContainer(id).start({ abortSignal, ...nothingMore }),
    ),
  );
}

/** Kills what still runs, and keeps its volumes: the other container uses them. */
export async function remove(docker: Docker, id: string): Promise<void> {
  await withinBudget(changeBudgetMs, (abortSignal) =>
    docker.getContainer(id).remove({ abortSignal, _query: { force: true, v: false }, _body: {} }),
  );
}

/** Docker answers 304 where nothing was to be done, and dockerode throws it. */
async function unlessSo(work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (readStatus(error) !== 304) throw error;
  }
}
