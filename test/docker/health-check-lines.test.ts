import { randomBytes } from 'node:crypto';
import type Docker from 'dockerode';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connectDocker } from '../../src/docker/connect.ts';
import { readLogLines } from '../../src/docker/logs/read-logs.ts';
import { DockerServices } from '../../src/docker/services.ts';
import { systemClock as clock } from '../../src/timing.ts';
import { until } from '../support/until.ts';
import { whyNoEngine } from './engine.ts';
import { runInside } from './run-inside.ts';
import { run } from './stack.ts';

const second = 1_000_000_000;
const tail = 10;

describe.skipIf(await whyNoEngine())(
  'a health check that asks for a database that is not there',
  () => {
    const docker = connectDocker(process.env);
    const project = `dbconn-test-${process.pid}-${randomBytes(3).toString('hex')}`;
    let container: Docker.Container;
    beforeAll(async () => {
      const id = await run(docker, project, {
        service: 'postgres',
        isAlone: true,
        spec: {
          Image: 'dbconn-test/postgres',
          Env: ['POSTGRES_PASSWORD=secret', 'SHOP_DB=shop'],
          Healthcheck: {
            Test: ['CMD-SHELL', 'pg_isready -q -U postgres -d $SHOP_DB'],
            Interval: second / 4,
            Timeout: 5 * second,
            Retries: 60,
          },
          HostConfig: { Binds: ['/usr:/usr:ro'], NetworkMode: 'bridge' },
        },
      });
      container = docker.getContainer(id);
      await until('the health check is green', async () => {
        const { State: state } = await container.inspect();
        return state.Health?.Status === 'healthy';
      });
    });
    afterAll(() => container.remove({ force: true, v: true }));

    const countIn = async (text: string): Promise<number> => {
      const bounds = { tail: 5000, maxBytes: 1024 * 1024, budgetMs: 60_000 };
      const { lines } = await readLogLines(docker, container.id, bounds);
      return lines.filter((line) => line.text.includes(text)).length;
    };

    test('leaves the log to others: what an application was refused is still read behind it', async () => {
      await until('an application was refused', async () => {
        await runInside(container, "psql -U postgres -d billing -c 'SELECT 1' || true");
        return (await countIn('database "billing" does not exist')) > 0;
      });
      const refused = await countIn('database "billing" does not exist');
      // Now the tail holds nothing but the health check.
      const before = await countIn('database "shop" does not exist');
      await until('the tail is full of its lines', async () => {
        return (await countIn('database "shop" does not exist')) > before + 2 * tail;
      });
      const services = new DockerServices({
        docker,
        project,
        services: [],
        postgresService: 'postgres',
        logTail: tail,
        clock,
        budgets: { callMs: 10_000, readingMs: 13_500 },
      });
      const logs = await services.readLogs();
      if (!logs.ok) throw new Error(logs.problem.summary);
      const [own] = logs.value;
      expect(own?.linesRead).toBe(tail);
      const refusals = own?.classes.filter(({ class: name }) => name === 'authentication');
      expect(refusals).toMatchObject([{ count: refused }]);
      expect(refusals?.[0]?.example).toContain('database "billing" does not exist');
    });
  },
);
