import { expect, test } from 'vitest';
import { Recreatable, toRecreateSpec } from '../../src/docker/recreate/container-spec.ts';

/** As the engine shows a container: what dbconn reads of it and what it does not, however deep. */
const config = {
  Image: 'backend',
  User: '1000',
  Env: ['DATABASE_POOL_SIZE=5', 'KEEP=me'],
  Labels: { 'com.docker.compose.service': 'backend', other: 'label' },
  StopSignal: 'SIGINT',
  StopTimeout: 20,
  Entrypoint: ['/entry'],
  Cmd: ['serve'],
  Volumes: { '/data': {} },
  Healthcheck: {
    Test: ['CMD', 'curl', 'localhost'],
    Interval: 500_000_000,
    Timeout: 5_000_000_000,
    StartPeriod: 1_000_000_000,
    Retries: 60,
    StartInterval: 100_000_000,
  },
};
const host = {
  Memory: 268_435_456,
  NetworkMode: 'shop_default',
  RestartPolicy: { Name: 'unless-stopped', MaximumRetryCount: 0 },
  Ulimits: [{ Name: 'nofile', Soft: 1024, Hard: 2048 }],
  LogConfig: { Type: 'json-file', Config: { 'max-size': '10m' } },
};

test('a container is recreated with all that it was, but for the pool’s numbers', () => {
  const inspected = Recreatable.parse({
    Id: 'f'.repeat(64),
    Name: '/shop-backend-1',
    Image: 'sha256:1',
    State: { Running: true, Status: 'running' },
    Config: config,
    HostConfig: host,
  });
  const { name, body } = toRecreateSpec(inspected, { DATABASE_POOL_SIZE: 8 }, 'sha256:1');
  expect(name).toBe('shop-backend-1');
  expect(body).toMatchObject({ ...config, Env: ['DATABASE_POOL_SIZE=8', 'KEEP=me'] });
  expect(body['HostConfig']).toEqual(host);
});
