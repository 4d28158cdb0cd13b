import { tmpdir } from 'node:os';
import { expect, onTestFinished, test } from 'vitest';
import {
  create,
  readImageId,
  rename,
  inspectContainer,
  start,
  stop,
} from '../../src/docker/recreate/engine-calls.ts';
import { toRecreateSpec } from '../../src/docker/recreate/container-spec.ts';
import type { Recreatable } from '../../src/docker/recreate/container-spec.ts';
import { createPoolSettings } from '../../src/docker/recreate/resize-pools.ts';
import { whyNoEngine } from './engine.ts';
import { backendsOf, startStack } from './stack.ts';

test.skipIf(await whyNoEngine())(
  'option E: whatever step a crash cut it off at, one container is left, and it runs',
  async () => {
    const stack = await startStack({ replicas: 2, maxConnections: 60 });
    onTestFinished(() => stack.close());
    const { docker, project } = stack;
    const services = [{ name: 'backend', workers: 1 }];
    const settings = createPoolSettings({ services, docker, directory: tmpdir() });
    const name = `${project}-backend-1`;
    const fresh = { poolSize: 4, maxOverflow: 2 };
    /** The same calls as a recreation makes, up to a point. */
    const stages: ((old: Recreatable) => Promise<void>)[] = [
      async (old) => rename(docker, old.Id, `${name}-dbconn-old-${old.Id.slice(0, 6)}`),
      async (old) => {
        const image = await readImageId(docker, old.Config.Image);
        const variables = { DATABASE_POOL_SIZE: 4, DATABASE_MAX_OVERFLOW: 2 };
        await create(docker, toRecreateSpec(old, variables, image));
      },
      async (old) => stop(docker, old),
      async () => start(docker, name),
    ];
    for (let reached = 0; reached <= stages.length; reached += 1) {
      const { inspected: old } = await inspectContainer(docker, name);
      if (old === null) throw new Error(`There is no ${name} before stage ${reached}.`);
      for (const stage of stages.slice(0, reached)) await stage(old);
      const outcome = await settings.settleReplica({ id: old.Id, name }, 60_000);
      const isNew = reached === stages.length;
      expect({ reached, result: outcome.result }).toEqual({
        reached,
        result: isNew ? 'recreated' : reached === 0 ? 'untouched' : 'put back',
      });
      const left = await backendsOf(stack);
      expect(left.map(({ Name, State }) => [Name, State.Running])).toEqual([
        [`/${name}`, true],
        [`/${project}-backend-2`, true],
      ]);
      expect(left[0]?.Id === old.Id).toBe(!isNew);
      expect(outcome.environment).toEqual(isNew ? fresh : { poolSize: 5, maxOverflow: 10 });
    }
  },
);
