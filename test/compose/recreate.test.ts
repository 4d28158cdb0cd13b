import type { IncomingMessage } from 'node:http';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { createPoolSettings } from '../../src/docker/recreate/resize-pools.ts';
import { html, inspected, json, startFakeEngine } from './fake-engine.ts';
import type { Answer, Routes } from './fake-engine.ts';

const oldId = 'backend1'.padEnd(64, '0');
const newId = 'backend2'.padEnd(64, '0');
const name = 'shop-backend-1';
const wanted = { environment: { poolSize: 4, maxOverflow: 2 }, healthyWithinMs: 5_000 };
const Body = z.object({ Env: z.array(z.string()), Hostname: z.string().optional() });

const health = {
  StartedAt: '2026-11-23T03:05:00Z',
  Health: { Status: 'healthy', Log: [{ Start: '2026-11-23T03:05:01Z', Output: '' }] },
};
const details = {
  Image: 'sha256:1',
  HostConfig: { NetworkMode: 'shop_default' },
  Mounts: [],
};

/** An engine with one container that remembers what it was asked to create. */
function anEngine(change: Routes = {}): { routes: Routes; body: () => z.infer<typeof Body> } {
  let created: z.infer<typeof Body> | undefined;
  const answerTo =
    (id: string, env: () => string[]): Answer =>
    (request, response) => {
      const config = {
        Config: { Image: 'shop/backend', Env: env(), Labels: {}, Hostname: id.slice(0, 12) },
      };
      json(200, inspected(health, { Id: id, ...details, ...config }))(request, response);
    };
  const done = json(204, null);
  return {
    body: () => Body.parse(created),
    routes: {
      ...change,
      '/images/': json(200, { Id: 'sha256:1' }),
      '/networks/': json(200, {}),
      '/containers/create': (request, response) => {
        void readBody(request).then((text) => {
          created = Body.parse(JSON.parse(text));
          json(201, { Id: newId })(request, response);
        });
      },
      [`/containers/${newId}/json`]: answerTo(newId, () => created?.Env ?? []),
      '/containers/.*/json': answerTo(oldId, () => [
        'DATABASE_URL=postgresql://app:hunter2@db/shop',
        'DATABASE_POOL_SIZE=7',
      ]),
      POST: done,
      DELETE: done,
    },
  };
}

async function readBody(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request) text += String(chunk);
  return text;
}

describe('making a container anew', () => {
  test('goes in an order that never runs two, and puts no password into an address', async () => {
    const { routes, body } = anEngine();
    await using engine = await startFakeEngine(routes);
    const settings = createPoolSettings({ services: [], docker: engine.docker });
    const outcome = await settings.recreateReplica({ id: oldId, name }, wanted);
    expect(outcome).toMatchObject({ result: 'recreated', id: newId.slice(0, 12) });
    expect(engine.requests.filter((line) => !line.startsWith('GET'))).toEqual([
      `POST /containers/${oldId}/rename?name=${name}-dbconn-old-backen`,
      `POST /containers/create?name=${name}`,
      `POST /networks/other/connect`,
      `POST /networks/detached/connect`,
      `POST /containers/${oldId}/stop?`,
      `POST /containers/${newId}/start?`,
      `DELETE /containers/${oldId}?force=true&v=false`,
    ]);
    expect(engine.requests.join('\n')).not.toContain('hunter2');
    expect(JSON.stringify(outcome)).not.toContain('hunter2');
    expect(body().Env).toEqual([
      'DATABASE_URL=postgresql://app:hunter2@db/shop',
      'DATABASE_POOL_SIZE=4',
    ]);
    // Docker's own choice was the old container's id.
    expect(body().Hostname).toBeUndefined();
  });

  test('that a proxy forbids ends with the old one, which was never stopped', async () => {
    const { routes } = anEngine({ '/rename': html(403) });
    await using engine = await startFakeEngine(routes);
    const settings = createPoolSettings({ services: [], docker: engine.docker });
    const outcome = await settings.recreateReplica({ id: oldId, name }, wanted);
    expect(outcome).toMatchObject({ result: 'put back', problem: { kind: 'forbidden' } });
    expect(JSON.stringify(outcome)).not.toContain('s3cret');
    expect(engine.requests.some((line) => /\/(?:stop|create)/.test(line))).toBe(false);
  });

  test('of one that is gone is not begun', async () => {
    const gone = json(404, { message: 'No such container: x' });
    await using engine = await startFakeEngine({ '/json': gone });
    const settings = createPoolSettings({ services: [], docker: engine.docker });
    const outcome = await settings.recreateReplica({ id: oldId, name }, wanted);
    expect(outcome).toMatchObject({ result: 'unknown', problem: { kind: 'missing' } });
    expect(engine.requests.every((line) => line.startsWith('GET'))).toBe(true);
  });
});

test('without a directory nothing is written, and the way to have one is told', async () => {
  await using engine = await startFakeEngine({});
  const settings = createPoolSettings({ services: [], docker: engine.docker });
  const planned = await settings.planEdit({
    service: 'backend',
    ids: [],
    to: { poolSize: 4, maxOverflow: 2 },
  });
  expect(planned).toMatchObject({ ok: false, problem: { kind: 'not-configured' } });
  expect(JSON.stringify(planned)).toContain('Set compose.directory');
});
