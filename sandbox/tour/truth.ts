import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { Patient } from '../patient/patient.ts';
import { asAdmin } from '../patient/schema.ts';

/** What is true of the patient, read past dbconn: from PostgreSQL by a superuser, and from the services' own metrics. */

const Count = z.tuple([z.object({ count: z.number() })]);

/** SHOW max_connections. */
export async function readMaxConnections(patient: Patient): Promise<number> {
  return Number(await readSetting(patient, 'max_connections'));
}

/** Transactions that were left open: idle in them for longer than any request between two statements. */
export async function countForgotten({ urls }: Patient): Promise<number> {
  const sql = `SELECT count(*)::int AS count FROM pg_stat_activity
    WHERE state LIKE 'idle in transaction%' AND clock_timestamp() - state_change > interval '1 s'`;
  return Count.parse(await query(urls.rescue, sql, []))[0].count;
}

/** Sessions of these applications. */
export async function countSessions(
  { urls }: Patient,
  applications: readonly string[],
): Promise<number> {
  const sql =
    'SELECT count(*)::int AS count FROM pg_stat_activity WHERE application_name = ANY($1)';
  return Count.parse(await query(urls.rescue, sql, [applications]))[0].count;
}

/** Sessions whose statement waits for a lock for at least as long as the target calls long. */
export async function countStuck({ urls, limits }: Patient): Promise<number> {
  const sql = `SELECT count(*)::int AS count FROM pg_stat_activity
    WHERE wait_event_type = 'Lock' AND clock_timestamp() - query_start > $1 * interval '1 ms'`;
  return Count.parse(await query(urls.rescue, sql, [limits.lockWaitMs]))[0].count;
}

const Statements = z.array(z.object({ pid: z.number(), startedAt: z.string() }));

/** Statements that run for longer than the target calls slow and wait for no lock: `pid begin`, the oldest first. */
export async function readSlowStatements({ urls, limits }: Patient): Promise<readonly string[]> {
  const sql = `SELECT pid, query_start::text AS "startedAt" FROM pg_stat_activity
    WHERE state = 'active' AND backend_type = 'client backend' AND wait_event_type IS DISTINCT FROM 'Lock'
      AND clock_timestamp() - query_start > $1 * interval '1 ms' ORDER BY query_start`;
  const rows = Statements.parse(await query(urls.rescue, sql, [limits.slowQueryMs]));
  return rows.map(({ pid, startedAt }) => `${pid} ${startedAt}`);
}

const Setting = z.tuple([z.object({ value: z.string() })]);

/** What SHOW says of a setting to a session that just logged in. */
export async function readSetting({ urls }: Patient, name: string): Promise<string> {
  const rows = await query(urls.rescue, 'SELECT current_setting($1) AS value', [name]);
  return Setting.parse(rows)[0].value;
}

/** `10 + 5` of each replica that answers, as its metrics say. */
export async function readPools(patient: Patient, service: string): Promise<readonly string[]> {
  const gauges = await readGauges(patient, service);
  return gauges.map(({ size, maxOverflow }) => `${size} + ${maxOverflow}`);
}

interface Gauges {
  readonly service: string;
  readonly size: number;
  readonly maxOverflow: number;
  readonly checkedOut: number;
  readonly limit: number;
}

/** What the metrics of each replica say, of all services or of one. */
export async function readGauges({ fleet }: Patient, service?: string): Promise<Gauges[]> {
  const replicas = service === undefined ? fleet.replicas : fleet.replicasOf(service);
  return Promise.all(
    replicas.map(async ({ url, options }) => {
      const response = await fetch(`${url}/metrics`, { headers: { connection: 'close' } });
      const text = await response.text();
      const size = gauge(text, 'size');
      const maxOverflow = gauge(text, 'max_overflow');
      const limit = maxOverflow < 0 ? Infinity : size + maxOverflow;
      const checkedOut = gauge(text, 'checked_out');
      return { service: options.service, size, maxOverflow, limit, checkedOut };
    }),
  );
}

/** Waits up to 5 s for something that becomes true by itself, such as pools that come back. */
export async function soon(holds: () => Promise<boolean> | boolean): Promise<boolean> {
  const deadline = performance.now() + 5000;
  for (;;) {
    if (await holds()) return true;
    if (performance.now() > deadline) return false;
    await sleep(100);
  }
}

function gauge(text: string, name: string): number {
  return Number(new RegExp(`^sqlalchemy_pool_${name}\\{[^}]*\\} (\\S+)`, 'm').exec(text)?.[1]);
}

function query(url: string, sql: string, values: readonly unknown[]): Promise<unknown> {
  return asAdmin(url, async (admin) => {
    const { rows }: { rows: unknown[] } = await admin.query(sql, [...values]);
    return rows;
  });
}
