import type Docker from 'dockerode';
import { poll, withTimeout } from '../../timing.ts';
import { pollMs, request } from '../after-start.ts';
import { observe } from '../containers.ts';
import type { Observation } from '../containers.ts';
import { Unanswered, readStatus, toProblem, unanswered } from '../failure.ts';
import { Recreatable } from './container-spec.ts';
import type { RecreateSpec } from './container-spec.ts';

/**
 * The calls a container is recreated with. Each has a time of its own and says with `_query` and `_body` what goes
 * where: left to itself dockerode puts a body, passwords and all, into the address too, and proxies log that.
 */

/** What Docker needs for networks, mounts and processes on a machine in trouble. */
const changeBudgetMs = 20_000;
/** Docker's own, where a container has none. */
const stopTimeoutSeconds = 10;
const nothingMore = { _query: {}, _body: {} };

export function inspectContainer(
  docker: Docker,
  idOrName: string,
): Promise<Observation<Recreatable>> {
  return observe(docker, idOrName, Recreatable);
}

/** The id an image's name leads to now; null when it leads nowhere any more. */
export async function readImageId(docker: Docker, image: string): Promise<string | null> {
  try {
    // The old container still runs, so a slow answer costs nobody anything; giving up would cost the change.
    const { Id: id } = await withTimeout(changeBudgetMs, () => docker.getImage(image).inspect());
    return id;
  } catch (error) {
    if (readStatus(error) === 404) return null;
    throw error;
  }
}

export function rename(docker: Docker, id: string, name: string): Promise<void> {
  return untilDone(docker, {
    id,
    deed: `renames it to ${name}`,
    isDone: ({ inspected }) => inspected?.Name === `/${name}`,
    call: (abortSignal) =>
      docker.getContainer(id).rename({ abortSignal, _query: { name }, _body: {} }),
  });
}

/** Creates without starting, and joins all networks. Nobody may have the name. Returns the new id. */
export async function create(docker: Docker, { name, ...spec }: RecreateSpec): Promise<string> {
  let id = '';
  await untilDone(docker, {
    id: name,
    deed: 'creates it',
    isDone({ inspected }) {
      id = inspected?.Id ?? '';
      return inspected !== null;
    },
    async call(abortSignal) {
      const options: Docker.ContainerCreateOptions & Sent = {
        abortSignal,
        _query: { name },
        _body: spec.body,
      };
      ({ id } = await docker.createContainer(options));
    },
  });
  for (const [network, EndpointConfig] of spec.furtherNetworks) {
    await untilDone(docker, {
      id,
      deed: 'joins it to its networks',
      isDone: ({ inspected }) => inspected?.NetworkSettings?.Networks?.[network] !== undefined,
      call: (abortSignal) => {
        const body = { Container: id, EndpointConfig };
        const options: Docker.NetworkConnectOptions & Sent = {
          abortSignal,
          _query: {},
          _body: body,
        };
        return docker.getNetwork(network).connect(options);
      },
    });
  }
  return id;
}

/** As long as the container itself says it needs. One that is stopped already is as good. */
export function stop(docker: Docker, { Id: id, Config: config }: Recreatable): Promise<void> {
  return untilDone(docker, {
    id,
    deed: 'stops it',
    graceMs: (config.StopTimeout ?? stopTimeoutSeconds) * 1000,
    isDone: ({ inspected }) => inspected?.State.Running === false,
    call: (abortSignal) => docker.getContainer(id).stop({ abortSignal, ...nothingMore }),
  });
}

export function start(docker: Docker, id: string): Promise<void> {
  return untilDone(docker, {
    id,
    deed: 'starts it',
    isDone: ({ inspected }) => inspected?.State.Running === true,
    call: (abortSignal) => docker.getContainer(id).start({ abortSignal, ...nothingMore }),
  });
}

/** Kills what still runs, and keeps its volumes: the other container uses them. */
export function remove(docker: Docker, id: string): Promise<void> {
  return untilDone(docker, {
    id,
    deed: 'removes it',
    isDone: ({ gone }) => gone === true,
    call: (abortSignal) =>
      docker.getContainer(id).remove({ abortSignal, _query: { force: true, v: false }, _body: {} }),
  });
}

/** What dockerode knows and its types do not. */
interface Sent {
  readonly abortSignal: AbortSignal;
  readonly _query: object;
  readonly _body: object;
}

interface Change {
  /** Of the container, or its name. */
  readonly id: string;
  /** What Docker does, such as `stops it`. */
  readonly deed: string;
  readonly graceMs?: number;
  readonly call: (signal: AbortSignal) => Promise<unknown>;
  readonly isDone: (observation: Observation<Recreatable>) => boolean;
}

/**
 * Asks for a change and returns once it is made. The caller may stop waiting, but the engine, or a proxy before it,
 * goes on: without an answer of the engine's own the container is inspected until the time is up, and then it throws
 * Unanswered.
 */
async function untilDone(docker: Docker, change: Change): Promise<void> {
  const { id, deed, call, isDone } = change;
  const budgetMs = (change.graceMs ?? 0) + changeBudgetMs;
  const deadline = Date.now() + budgetMs;
  const refusal = await request(budgetMs, call);
  if (refusal === undefined) return;
  if (refusal.isFinal) throw refusal.error;
  await poll({ everyMs: pollMs }, async () => {
    if (isDone(await inspectContainer(docker, id))) return true;
    if (Date.now() < deadline) return undefined;
    const problem = toProblem(refusal.error, `container ${id.slice(0, 60)}`, 'recreate');
    throw new Unanswered(unanswered(problem, deed));
  });
}
