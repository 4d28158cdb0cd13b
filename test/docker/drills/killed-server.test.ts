import { describe, expect, test } from 'vitest';
import { asAdmin } from '../../../sandbox/patient/schema.ts';
import type { KillPoint } from '../../crash/killing-journal.ts';
import { whyNoEngine } from '../engine.ts';
import { useStack } from '../stack.ts';
import { runInside } from '../run-inside.ts';
import { killPoints, runKilled } from './killed.ts';

const dataDirectory = '/var/lib/postgresql/data';

describe.skipIf(await whyNoEngine())('option B, killed on a real engine', () => {
  const stack = useStack({ replicas: 0, postgresqlConf: ['max_connections = 24'] });

  async function readServer(): Promise<{ inForce: number; written: number | null }> {
    const { rows } = await asAdmin(stack.adminUrl, (admin) =>
      admin.query<{ n: number }>(`SELECT current_setting('max_connections')::int AS n`),
    );
    const container = stack.docker.getContainer(stack.ids.postgres);
    const auto = await runInside(container, `cat ${dataDirectory}/postgresql.auto.conf`);
    const written = /^max_connections = '(\d+)'/m.exec(auto)?.[1];
    return { inForce: rows[0]?.n ?? 0, written: written === undefined ? null : Number(written) };
  }

  /** One more than before, killed there; then it is either in force and written, or neither. */
  async function raise(point: KillPoint | null): Promise<readonly string[]> {
    const before = await readServer();
    const to = before.inForce + 1;
    const ask = { kind: 'raise-max-connections', to } as const;
    const { ended, writes } = await runKilled({ stack, options: {}, ask, point });
    const after = await readServer();
    const isRaised = after.inForce === to;
    expect(after).toEqual(isRaised ? { inForce: to, written: to } : before);
    const outcome = ended.result?.report.items[0]?.outcome;
    expect(outcome ?? 'not reached').toMatch(isRaised ? /^set$/ : /^(?:put back|not reached)$/);
    const container = stack.docker.getContainer(stack.ids.postgres);
    expect((await container.inspect()).State).toMatchObject({ Running: true, Restarting: false });
    expect(await runInside(container, `ls ${dataDirectory}`)).not.toContain('.dbconn-');
    return writes;
  }

  test('at the end of any of its steps, it leaves one value, in force and written, and a true journal', async () => {
    const points = killPoints(await raise(null));
    expect(points.length).toBeGreaterThanOrEqual(6);
    for (const point of points) {
      try {
        await raise(point);
      } catch (cause) {
        throw new Error(`Killed ${point.when} write ${point.write}.`, { cause });
      }
    }
  });
});
