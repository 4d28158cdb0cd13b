import { Client } from 'pg';
import type { Cluster } from './cluster.ts';

export const databaseName = 'shop';
/** The sandbox's own sessions, so that nobody takes them for the patient's. */
export const adminApplication = 'sandbox';

const tables = `
  CREATE TABLE customers (id serial PRIMARY KEY, name text NOT NULL, email text NOT NULL);
  CREATE TABLE orders (
    id serial PRIMARY KEY, customer_id integer NOT NULL, total numeric NOT NULL,
    status text NOT NULL DEFAULT 'open', customer_email text
  );
  CREATE TABLE accounts (id serial PRIMARY KEY, balance numeric NOT NULL);
  CREATE TABLE payments (id serial PRIMARY KEY, account_id integer NOT NULL, amount numeric NOT NULL, card text);
  CREATE TABLE invoices (id serial PRIMARY KEY, order_id integer NOT NULL, sent_to text, sent_at timestamptz);
  INSERT INTO customers (name, email)
    SELECT 'customer ' || n, 'customer' || n || '@example.com' FROM generate_series(1, 1000) n;
  INSERT INTO orders (customer_id, total, customer_email)
    SELECT 1 + n % 500, n % 90, 'customer' || (1 + n % 500) || '@example.com' FROM generate_series(1, 2000) n;
  INSERT INTO accounts (balance) SELECT 100 * n FROM generate_series(1, 1000) n;
  INSERT INTO payments (account_id, amount) SELECT 1 + n % 500, n FROM generate_series(1, 1000) n;
  INSERT INTO invoices (order_id, sent_to)
    SELECT n, 'customer' || n || '@example.com' FROM generate_series(1, 1000) n;
  CREATE INDEX ON orders (customer_id);
  CREATE INDEX ON orders (customer_email);
  CREATE INDEX ON payments (account_id);
  -- A report on a table too large for this sandbox: the same sums, and the time the real ones would take.
  CREATE FUNCTION monthly_report(customer integer, seconds double precision)
    RETURNS TABLE (status text, total numeric) LANGUAGE sql AS $$
    SELECT pg_sleep(seconds);
    SELECT status, sum(total) FROM orders WHERE customer_id = customer GROUP BY status;
  $$;
`;

/** `app` and `batch` are what the services log in as; dbconn looks with one role and acts with another. */
const roles = `
  CREATE ROLE app LOGIN;
  CREATE ROLE batch LOGIN;
  CREATE ROLE dbconn LOGIN IN ROLE pg_monitor;
  CREATE ROLE dbconn_acting LOGIN IN ROLE pg_monitor, pg_signal_backend;
`;

const grants = `
  GRANT ALL ON ALL TABLES IN SCHEMA public TO app, batch;
  GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO app, batch;
  -- ALTER TABLE is the owner's: the migration of the lock scene runs as batch.
  ALTER TABLE invoices OWNER TO batch;
  GRANT ALL ON invoices TO app;
`;

/** What deploy/grants.sql gives the acting role on PostgreSQL 15 and later: three settings, and what brings them into force. */
const settingGrants = `
  GRANT ALTER SYSTEM ON PARAMETER max_connections, idle_in_transaction_session_timeout, idle_session_timeout TO dbconn_acting;
  GRANT EXECUTE ON FUNCTION pg_reload_conf(), pg_show_all_file_settings() TO dbconn_acting;
  GRANT pg_checkpoint TO dbconn_acting;
`;

/** Makes the shop's database with its roles and rows. */
export async function createShop(cluster: Cluster): Promise<void> {
  await asAdmin(cluster.url('postgres', 'postgres'), async (admin) => {
    await admin.query(roles);
    if (cluster.major >= 16)
      await admin.query('GRANT pg_use_reserved_connections TO dbconn, dbconn_acting');
    await admin.query(`CREATE DATABASE ${databaseName}`);
  });
  await asAdmin(adminUrl(cluster), async (admin) => {
    await admin.query(tables);
    await admin.query(grants);
    if (cluster.major >= 15) await admin.query(settingGrants);
    await admin.query('ANALYZE');
  });
}

export function adminUrl(cluster: Cluster): string {
  return cluster.url('postgres', databaseName);
}

/** A superuser's session for as long as `work` takes: one of the three reserved slots, given back at once. */
export async function asAdmin<T>(url: string, work: (admin: Client) => Promise<T>): Promise<T> {
  const admin = new Client({
    connectionString: url,
    application_name: adminApplication,
    options: '-c log_disconnections=off', // watching must not fill the log that is watched
  });
  await admin.connect();
  try {
    return await work(admin);
  } finally {
    await admin.end();
  }
}
