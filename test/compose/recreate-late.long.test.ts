import { expect, test } from 'vitest';
import { createPoolSettings } from '../../src/docker/recreate/resize-pools.ts';
import { inspected, json, startFakeEngine } from './fake-engine.ts';
import type { Answer, FakeEngine } from './fake-engine.ts';

/** An engine behind a proxy that keeps one call for itself, and gives it to the engine only when it is told to. */

const oldId = 'backend1'.padEnd(64, '0');
const newId = 'backend2'.padEnd(64, '0');
const name = 'shop-backend-1';
const replica = { id: oldId, name };
const wanted = { environment: { poolSize: 4, maxOverflow: 2 }, healthyWithinMs: 5_000 };

interface Container {
  name: string;
  running: boolean;
  readonly env: readonly string[];
}

interface Late extends AsyncDisposable {
  readonly engine: FakeEngine;
  readonly containers: ReadonlyMap<string, Container>;
  /** What the proxy kept arrives. */
  release(): void;
}

/** @param held the one call that does not arrive, such as `POST /containers/.*\/stop`. */
async function startLate(held: RegExp): Promise<Late> {
  const env = ['DATABASE_POOL_SIZE=7', 'DATABASE_MAX_OVERFLOW=1'];
  const containers = new Map<string, Container>([[oldId, { name, running: true, env }]]);
  let kept: (() => void) | undefined;
  const find = (idOrName: string): [string, Container] | undefined =>
    [...containers].find(([id, one]) => id === idOrName || one.name === idOrName);
  const act = (line: string): number => {
    const [, idOrName = ''] = /containers\/(\w[\w-]*)/.exec(line) ?? [];
    const wantsName = /[?&]name=([\w-]+)/.exec(line)?.[1];
    if (wantsName !== undefined && find(wantsName) !== undefined) return 409;
    if (line.includes('/create')) {
      const fresh = ['DATABASE_POOL_SIZE=4', 'DATABASE_MAX_OVERFLOW=2'];
      containers.set(newId, { name: wantsName ?? '', running: false, env: fresh });
      return 201;
    }
    const [id, container] = find(idOrName) ?? [];
    if (id === undefined || container === undefined) return 404;
    if (line.startsWith('DELETE')) containers.delete(id);
    else if (wantsName !== undefined) container.name = wantsName;
    else container.running = line.includes('/start');
    return 204;
  };
  const change: Answer = (request, response) => {
    const line = `${request.method} ${request.url}`;
    if (kept === undefined && held.test(line)) {
      kept = () => void act(line);
      return;
    }
    const status = act(line);
    json(status, status === 201 ? { Id: newId } : { message: 'x' })(request, response);
  };
  const look: Answer = (request, response) => {
    const [, idOrName = ''] = /containers\/([\w-]+)/.exec(request.url ?? '') ?? [];
    const [id, one] = find(idOrName) ?? [];
    if (one === undefined) return json(404, { message: 'No such container' })(request, response);
    const state = {
      Running: one.running,
      StartedAt: '2026-11-23T03:05:00Z',
      Health: { Status: 'healthy', Log: [{ Start: '2026-11-23T03:05:01Z', Output: '' }] },
    };
    const config = { Image: 'shop/backend', Env: one.env, Labels: {} };
    const more = { Id: id, Name: `/${one.name}`, Image: 'sha256:1', Config: config };
    const seen = inspected(state, { ...more, HostConfig: {}, Mounts: [], NetworkSettings: {} });
    json(200, seen)(request, response);
  };
  const engine = await startFakeEngine({
    '/images/': json(200, { Id: 'sha256:1' }),
    '/logs': json(404, { message: 'none' }),
    '^GET /containers/': look,
    '^(?:POST|DELETE) /containers/': change,
  });
  return {
    engine,
    containers,
    release: () => kept?.(),
    [Symbol.asyncDispose]: () => engine[Symbol.asyncDispose](),
  };
}

test.concurrent.for([
  ['rename', /^POST .*\/rename/],
  ['create', /^POST .*\/create/],
  ['stop', /^POST .*\/stop/],
  ['start of the new one', /^POST .*\/start/],
] as const)(
  'a %s that gets no answer is unknown, and once it arrives the old container is brought back',
  async ([, held]) => {
    await using late = await startLate(held);
    const settings = createPoolSettings({ services: [], docker: late.engine.docker });
    const outcome = await settings.recreateReplica(replica, wanted);
    expect(outcome).toMatchObject({ result: 'unknown', mayFollow: true });
    expect(outcome.problem?.summary).toMatch(/Docker did not answer whether it .*, and still may/);
    late.release();
    const settled = await settings.settleReplica(replica, 5_000);
    expect(settled.result).toMatch(/^(?:put back|untouched)$/);
    expect(settled.environment?.poolSize).toBe(7);
    expect([...late.containers]).toEqual([
      [oldId, expect.objectContaining({ name, running: true })],
    ]);
  },
);

test.concurrent(
  'an old container whose removal gets no answer changes nothing for the new one',
  async () => {
    await using late = await startLate(/^DELETE /);
    const settings = createPoolSettings({ services: [], docker: late.engine.docker });
    const outcome = await settings.recreateReplica(replica, wanted);
    expect(outcome).toMatchObject({ result: 'recreated', environment: wanted.environment });
    expect(outcome.problem?.summary).toContain('still may');
    late.release();
    expect([...late.containers]).toEqual([
      [newId, expect.objectContaining({ name, running: true })],
    ]);
  },
);

test.concurrent(
  'a call that is carried out after its answer was lost is gone on from',
  async () => {
    await using late = await startLate(/^POST .*\/stop/);
    const settings = createPoolSettings({ services: [], docker: late.engine.docker });
    const recreated = settings.recreateReplica(replica, wanted);
    await expect
      .poll(() => late.engine.requests.join('\n'), { timeout: 60_000 })
      .toContain('/stop');
    late.release();
    expect(await recreated).toMatchObject({ result: 'recreated', environment: wanted.environment });
  },
);
