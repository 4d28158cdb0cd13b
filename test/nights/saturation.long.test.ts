import { execFile } from 'node:child_process';
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, describe, expect, test } from 'vitest';
import type { Diagnosis } from '../../src/runbook/diagnose/diagnosis.ts';
import { until } from '../support/until.ts';
import { useNightServer } from './support/night-server.ts';
import { everyVariant } from './support/variants.ts';
import { diagnoseOnce } from './support/night.ts';

/** Night 5: many at work, none behind a lock, each slow: named by what they wait for, and never after a statement. */
const night = useNightServer({ settings: { max_connections: 60, autovacuum: 'off' } });
const limits = { slowQueryMs: 500 };

describe.each(everyVariant)('a server that is short of something ($seed)', (variant) => {
  const { seeded, table, applications } = variant;
  const fifos: FileHandle[] = [];

  afterEach(async () => {
    for (const fifo of fifos.splice(0)) await fifo.close();
    await night.sessions.endAll();
  });

  async function untilLasting(condition: string, count: number): Promise<void> {
    await until(`${count} sessions have done so for over a second`, async () => {
      const rows = await night.sessions.ask(
        `SELECT FROM pg_stat_activity WHERE state = 'active' AND pid <> pg_backend_pid()
            AND now() - query_start > interval '1.2 s' AND ${condition}`,
      );
      return rows.length >= count;
    });
  }

  async function look(): Promise<Diagnosis> {
    return diagnoseOnce(night.cluster, { limits });
  }

  function judge({ verdict, causes, findings, proposals }: Diagnosis, id: string): void {
    const found = findings.find((finding) => finding.id === id);
    expect(verdict).toContain(`Likely cause: `);
    expect(verdict).toContain(found?.summary);
    expect(found?.evidence[0]).toContain('a second check makes it more certain');
    expect(causes.filter(({ confidence }) => confidence >= 0.6)).toEqual([]);
    expect(proposals.filter(({ option }) => option === 'B' || option === 'E')).toEqual([]);
  }

  test('of internal locks', async () => {
    const waiting = seeded.between(3, 5);
    const names = Array.from({ length: waiting }, (_, index) => `pinned_${table}_${index}`);
    // All before the first cursor: its snapshot would keep VACUUM from the later ones.
    for (const name of names) {
      await night.sessions.ask(`CREATE TABLE ${name} AS SELECT 1 AS i`);
      await night.sessions.ask(`DELETE FROM ${name}`);
      await night.sessions.ask(`INSERT INTO ${name} VALUES (1)`);
    }
    for (const name of names) {
      const [pins, vacuums] = await night.sessions.openMany(2, { application: applications[1] });
      await pins?.run('BEGIN', `DECLARE c CURSOR FOR SELECT * FROM ${name}`, 'FETCH c');
      vacuums?.begin(`VACUUM FREEZE ${name}`);
    }
    await untilLasting(`wait_event_type = 'BufferPin'`, waiting);
    const diagnosis = await look();
    judge(diagnosis, 'internal-locks');
    expect(diagnosis.findings.find(({ id }) => id === 'internal-locks')?.evidence.join()).toContain(
      'BufferPin',
    );
  });

  // A read that does not return has no wait event, as one at work on a processor: and it leaves this machine alone.
  test('of processors', async () => {
    const computing = seeded.between(10, 14);
    await night.sessions.ask(`CREATE TABLE ${table} (line text)`);
    const pipe = join(night.cluster.directory, `${table}.fifo`);
    await promisify(execFile)('mkfifo', ['-m', '666', pipe]);
    fifos.push(await open(pipe, 'r+'));
    const opened = await night.sessions.openMany(computing, { application: applications[2] });
    for (const one of opened) {
      one.begin(`COPY ${table} FROM '${pipe}'`);
    }
    await untilLasting('wait_event IS NULL', computing);
    const diagnosis = await look();
    judge(diagnosis, 'cpu');
    expect(diagnosis.findings.map(({ id }) => id)).not.toContain('slow-queries');
  });
});
