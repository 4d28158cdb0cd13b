import { chmod, chown, cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { unprivilegedId } from '../../sandbox/patient/binaries.ts';
import { startCluster } from '../support/clusters.ts';
import type { Cluster } from '../../sandbox/patient/cluster.ts';
import { connect } from '../../src/postgres/connect/connection.ts';
import { toReachError } from '../../src/postgres/failure.ts';
import { tlsAttempts, withoutTls } from '../../src/postgres/connect/connect-by-tls.ts';
import { Sessions } from '../support/sessions.ts';
import { until } from '../support/until.ts';

describe('a server that speaks TLS and lets nobody in without', () => {
  let directory: string;
  let cluster: Cluster;
  let certificate: string;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'dbconn-tls-'));
    certificate = join(directory, 'server.crt');
    const key = join(directory, 'server.key');
    await cp(new URL('fixtures/localhost.crt', import.meta.url), certificate);
    await cp(new URL('fixtures/localhost.key', import.meta.url), key);
    // Only its owner may read a key, or the server refuses to start; and it has to find the way to it.
    await chmod(directory, 0o755);
    await chmod(key, 0o600);
    if (process.getuid?.() === 0) await chown(key, unprivilegedId, unprivilegedId);
    cluster = await startCluster({
      settings: { ssl: 'on', ssl_cert_file: certificate, ssl_key_file: key },
      hba: ['hostssl all all 127.0.0.1/32 trust', 'hostnossl all secured 127.0.0.1/32 reject'],
    });
    const sessions = new Sessions(cluster);
    await sessions.ask('CREATE ROLE secured LOGIN');
    await sessions.close();
  });

  afterAll(async () => {
    await cluster.close();
    await rm(directory, { recursive: true });
  });

  /** Whether the session that this url opens is encrypted. */
  async function isEncrypted(more: string, host = '127.0.0.1'): Promise<boolean> {
    const url = `postgres://secured@${host}:${cluster.port}/postgres${more}`;
    const connection = await connect(url, 20_000);
    try {
      const sql = 'SELECT ssl::text FROM pg_stat_ssl WHERE pid = pg_backend_pid()';
      return (await connection.readOne(sql, 20_000)) === 'true';
    } finally {
      await connection.close();
    }
  }

  test.for(['', '?sslmode=prefer', '?sslmode=require', '?ssl=true', '?sslmode=allow'])(
    'is met encrypted with "%s"',
    async (more) => {
      expect(await isEncrypted(more)).toBe(true);
    },
  );

  test('refuses who will not encrypt, and that is a refused login', async () => {
    const error = await isEncrypted('?sslmode=disable').catch(toReachError);
    expect(error).toMatchObject({ kind: 'auth', sqlstate: '28000' });
  });

  test('verify-full takes its name with the right root, and nothing else', async () => {
    const full = `?sslmode=verify-full&sslrootcert=${certificate}`;
    expect(await isEncrypted(full, 'localhost')).toBe(true);
    const unnamed = await isEncrypted(full).catch(toReachError);
    expect(unnamed).toMatchObject({ kind: 'network' });
    const unknown = await isEncrypted('?sslmode=verify-full', 'localhost').catch(toReachError);
    expect(unknown).toMatchObject({ kind: 'network' });
  });

  test('verify-ca, and require with a root, take any name of the right root', async () => {
    expect(await isEncrypted(`?sslmode=verify-ca&sslrootcert=${certificate}`)).toBe(true);
    expect(await isEncrypted(`?sslmode=require&sslrootcert=${certificate}`)).toBe(true);
  });

  test('a lost encrypted session is noticed, and a closed one leaves nothing', async () => {
    const url = `postgres://secured@127.0.0.1:${cluster.port}/postgres`;
    const connection = await connect(url, 20_000);
    const sessions = new Sessions(cluster);
    await sessions.ask(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'secured'",
    );
    await connection.ended;
    expect(connection.isOpen).toBe(false);
    const another = await connect(url, 20_000);
    await another.close();
    expect(another.isOpen).toBe(false);
    await until('it is gone', async () => (await sessions.ownSessions()).length === 0);
    await sessions.close();
  });
});

describe('a server without TLS', () => {
  test('is met in plain by prefer, and refused by require', async () => {
    const cluster = await startCluster();
    onTestFinished(() => cluster.close());
    const connection = await connect(`${cluster.url()}?sslmode=prefer`, 20_000);
    await connection.close();
    const refused = await connect(`${cluster.url()}?sslmode=require`, 20_000).catch(toReachError);
    expect(refused).toMatchObject({ kind: 'network' });
  });
});

describe('what is tried', () => {
  const attempts = (url: string): unknown[] =>
    tlsAttempts(new URL(url)).map((attempt) => attempt !== false);

  test.for([
    ['postgres://db/x', [true, false]],
    ['postgres://db/x?sslmode=allow', [false, true]],
    ['postgres://db/x?sslmode=disable', [false]],
    ['postgres://db/x?sslmode=require', [true]],
    ['postgres:///x?host=db.example&sslmode=require', [true]],
    ['postgres:///x?host=/run/postgresql&sslmode=require', [false]],
    ['postgres://%2Frun%2Fpostgresql/x?sslmode=require', [false]],
    ['postgres://db/x?sslrootcert=system', [true]],
  ] as const)('for %s', ([url, expected]) => {
    expect(attempts(url)).toEqual(expected);
  });

  test.for([
    'sslmode=sometimes',
    'sslmode=verify-ca',
    'sslmode=require&sslrootcert=system',
    'sslmode=verify-full&sslrootcert=/nowhere/hunter2.crt',
  ])('refuses %s with a sentence for the operator', async (more) => {
    const error = await connect(`postgres://x:hunter2@127.0.0.1:1/x?${more}`, 1000).catch(
      toReachError,
    );
    expect(error).toMatchObject({ kind: 'network', fix: 'Correct the database url.' });
    expect(JSON.stringify(error)).not.toContain('hunter2');
  });

  test('pg sees neither the words it reads otherwise nor a name for dbconn’s session', async () => {
    const url =
      'postgres://x:y@db:1/z?sslmode=require&ssl=true&application_name=app&options=-c%20a%3D1';
    expect(withoutTls(new URL(url))).toBe('postgres://x:y@db:1/z?options=-c+a%3D1');
  });
});
