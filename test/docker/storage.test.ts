import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, chown, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { account } from '../../sandbox/patient/cluster-home.ts';
import { watch } from '../nights/support/night.ts';
import { everyVariant } from '../nights/support/variants.ts';
import { until } from '../support/until.ts';
import { useNightServer } from '../nights/support/night-server.ts';

/** Night 5 again, on storage that does not answer: a file system of its own, frozen. It needs root, as Docker does. */
const run = promisify(execFile);
let folder: string;

afterAll(async () => {
  await run('umount', [join(folder, 'mount')]);
  await rm(folder, { recursive: true });
});
const night = useNightServer({ settings: { max_connections: 60, autovacuum: 'off' } });
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dbconn-storage-'));
  await chmod(folder, 0o755); // PostgreSQL runs as somebody else and has to get through
  const [image, mount] = [join(folder, 'image'), join(folder, 'mount')];
  await mkdir(mount);
  await run('truncate', ['-s', '256M', image]);
  await run('mkfs.ext4', ['-q', image]);
  await run('mount', ['-o', 'loop', image, mount]);
  await mkdir(join(mount, 'tablespace'));
  const { uid = 0, gid = 0 } = account;
  await chown(join(mount, 'tablespace'), uid, gid);
  await night.sessions.ask(`CREATE TABLESPACE slow LOCATION '${join(mount, 'tablespace')}'`);
});

/** Nothing is written there until it is thawed, or until this process is gone. */
async function freeze(): Promise<() => Promise<void>> {
  const script = 'fsfreeze -f "$0" && echo frozen && read -r _; fsfreeze -u "$0"';
  const child = spawn('sh', ['-c', script, join(folder, 'mount')], {
    stdio: ['pipe', 'pipe', 'inherit'],
    detached: true, // a signal to our group must not end it before it has thawed
  });
  const ended = once(child, 'close');
  await once(child.stdout, 'data');
  return async () => {
    child.stdin.end();
    await ended;
  };
}

describe.each(everyVariant)('a server whose storage is slow ($seed)', (variant) => {
  const { seeded, table, applications, user } = variant;

  test('is named so, and neither enlarged nor blamed on a statement', async () => {
    const writing = seeded.between(3, 6);
    const { sessions, cluster } = night;
    await sessions.ask(`CREATE ROLE ${user} LOGIN`);
    const tables = Array.from({ length: writing }, (_, index) => `${table}_${index}`);
    for (const name of tables) {
      await sessions.ask(`CREATE TABLE ${name} (line text) TABLESPACE slow`);
      await sessions.ask(`GRANT INSERT ON ${name} TO ${user}`);
    }
    const opened = await sessions.openMany(writing, { user, application: applications[0] });
    const write = (index: number): string =>
      `INSERT INTO ${tables[index]} SELECT repeat('x', 900) FROM generate_series(1, 999)`;
    // Opening a file for the first time waits without a wait event; writing to one that is open does not.
    for (const [index, one] of opened.entries()) await one.run(write(index), write(index));
    const thaw = await freeze();
    const monitor = watch(cluster, { limits: { slowQueryMs: 500 } });
    try {
      opened.forEach((one, index) => one.begin(write(index)));
      await until('they have waited for their files for over a second', async () => {
        const rows = await sessions.ask(
          `SELECT FROM pg_stat_activity WHERE wait_event_type = 'IO' AND usename = '${user}'
              AND now() - query_start > interval '1.2 s'`,
        );
        return rows.length === writing;
      });
      const { verdict, causes, findings, proposals } = await monitor.diagnose('night');
      const found = findings.find(({ id }) => id === 'storage');
      expect(verdict).toContain(`Likely cause: slow storage. ${found?.summary ?? 'not found'}`);
      expect(found?.evidence.join()).toContain('DataFileExtend');
      expect(causes.filter(({ confidence }) => confidence >= 0.6)).toEqual([]);
      expect(proposals.filter(({ option }) => option === 'B' || option === 'E')).toEqual([]);
    } finally {
      await thaw();
      await monitor.close();
      await sessions.endAll();
    }
  });
});
