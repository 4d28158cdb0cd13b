import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { connect as connectTcp } from 'node:net';
import type { Socket } from 'node:net';
import { promisify } from 'node:util';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { answersWithinMs, majors } from '../support/breadth.ts';
import { connect } from '../../src/postgres/connect/connection.ts';
import type { DatabaseOptions } from '../../src/postgres/lifeline.ts';
import { createDatabase } from '../../src/postgres/lifeline.ts';
import { readIsOnOrdinarySlot } from '../../src/postgres/connect/warm-connection.ts';
import type { Database } from '../../src/runbook/snapshot/ports.ts';
import type { DatabaseSnapshot } from '../../src/runbook/snapshot/snapshot.ts';
import { databaseOptions } from '../support/database-options.ts';
import { until } from '../support/until.ts';
import { useServer } from '../support/server.ts';

const run = promisify(execFile);

describe.for(majors)('PostgreSQL %i', (major) => {
  const reserved = major >= 16 ? 2 : 0;
  const usable = 14 - 3 - reserved;
  const server = useServer({
    major,
    settings: {
      max_connections: 14,
      superuser_reserved_connections: 3,
      ...(reserved > 0 && { reserved_connections: reserved }),
      // A login that is never finished holds its slot for as long as a test looks at it.
      authentication_timeout: '10min',
    },
    hba: ['host all lingering 127.0.0.1/32 scram-sha-256'],
  });
  const databases = new Set<Database>();
  const sockets = new Set<Socket>();

  beforeAll(async () => {
    for (const role of ['dbconn', 'app', 'limited', 'keyed', 'lingering']) {
      await server.sessions.ask(`CREATE ROLE ${role} LOGIN`);
    }
    await server.sessions.ask("ALTER ROLE lingering PASSWORD 'a secret of theirs'");
    await server.sessions.ask('GRANT pg_monitor TO dbconn, keyed, limited');
    if (reserved > 0) await server.sessions.ask('GRANT pg_use_reserved_connections TO keyed');
    await server.sessions.ask('CREATE DATABASE narrow');
  });

  afterEach(async () => {
    await Promise.all([...databases].map((database) => database.close()));
    databases.clear();
    // `close` has resolved, so nothing of dbconn may be there any more once the server has noticed.
    await until('no session of dbconn is left', async () => {
      return (await server.sessions.ownSessions()).length === 0;
    });
    for (const socket of sockets) socket.destroy();
    sockets.clear();
    await server.sessions.endAll();
  });

  function open(user: string, more: Partial<DatabaseOptions> = {}): Database {
    const database = createDatabase(databaseOptions(server.cluster.url(user), more));
    databases.add(database);
    return database;
  }

  async function look(database: Database): Promise<DatabaseSnapshot> {
    const began = performance.now();
    const answer = await database.readSnapshot();
    expect(performance.now() - began).toBeLessThan(answersWithinMs);
    return answer;
  }

  test('the warm connection answers when every slot is taken, and says by whom', async () => {
    const database = open('dbconn');
    expect((await look(database)).reach).toMatchObject({
      via: 'connection',
      rungs: [{ rung: 'connection', outcome: 'answered' }],
    });
    await server.sessions.takeAllSlots({ user: 'app' });
    const { reach, reading } = await look(database);
    expect(reach).toMatchObject({ via: 'warm', rungs: [{ rung: 'warm', outcome: 'answered' }] });
    expect(reading?.counts.clients).toBe(usable);
    expect(reading?.counts.own).toBe(1);
    expect(reading?.sources[0]).toMatchObject({
      user: 'app',
      application: 'backend',
      client: '127.0.0.1',
      total: usable - 2, // ours, and the one that asks for the truth
    });
  });

  test('without any rung the refusal itself is the answer', async () => {
    await server.sessions.takeAllSlots({ user: 'app' });
    const { reach, reading } = await look(open('dbconn'));
    expect(reading).toBeUndefined();
    expect(reach.via).toBe('none');
    expect(reach.error).toMatchObject({ kind: 'full', scope: 'server', sqlstate: '53300' });
    expect(reach.rungs).toEqual([
      { rung: 'connection', outcome: 'PostgreSQL has no slot left for an ordinary role.' },
    ]);
  });

  test('a superuser answers when the ordinary role is refused, and is gone after the look', async () => {
    await server.sessions.takeAllSlots({ user: 'app' });
    const { reach, reading } = await look(open('dbconn', { rescueUrl: server.cluster.url() }));
    expect(reach.via).toBe('superuser');
    expect(reach.error).toMatchObject({ kind: 'full', scope: 'server' });
    expect(reach.rungs.map(({ rung }) => rung)).toEqual(['connection', 'superuser']);
    expect(reading?.counts.clients).toBe(usable + 1);
    await until('the superuser session is gone', async () => {
      return (await server.sessions.ownSessions()).length === 0;
    });
  });

  test('psql in the container answers where no other url lets anybody in', async () => {
    await server.sessions.takeAllSlots({ user: 'app' });
    const { reach, reading } = await look(open('dbconn', { exec: psql }));
    expect(reach.via).toBe('exec');
    expect(reach.error).toMatchObject({ kind: 'full', scope: 'server' });
    expect(reach.rungs.map(({ rung }) => rung)).toEqual(['connection', 'exec']);
    expect(reading?.counts.clients).toBe(usable + 1);
    expect(Math.floor((reading?.version ?? 0) / 10_000)).toBe(major);
  });

  test('a superuser that finds every slot taken leaves the refusal of the ordinary role as it was', async () => {
    await server.sessions.takeAllSlots({ user: 'app' });
    await server.sessions.takeAllSlots({ user: 'postgres' });
    const { reach } = await look(open('dbconn', { rescueUrl: server.cluster.url(), exec: psql }));
    expect(reach.via).toBe('none');
    expect(reach.error).toMatchObject({ kind: 'full', scope: 'server' });
    expect(reach.rungs.map(({ rung }) => rung)).toEqual(['connection', 'superuser', 'exec']);
  });

  test('a superuser as the target’s own role answers, and its slot is given back', async () => {
    await server.sessions.takeAllSlots({ user: 'app' });
    const { reach } = await look(open('postgres'));
    expect(reach.via).toBe('superuser');
    await until('its slot is free again', async () => {
      return (await server.sessions.ownSessions()).length === 0;
    });
  });

  test('the lost connection is made again by itself once there is room', async () => {
    const database = open('dbconn');
    await look(database);
    const [before] = await server.sessions.ownSessions();
    await server.sessions.takeAllSlots({ user: 'app' });
    await server.sessions.ask('SELECT pg_terminate_backend($1)', [before?.pid]);
    await until('it is gone', async () => (await server.sessions.ownSessions()).length === 0);
    await server.sessions.takeAllSlots({ user: 'app' });
    expect((await look(database)).reach.error?.kind).toBe('full');
    await server.sessions.ask(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'app'",
    );
    // Seen at rest twice: by then its first answer has arrived here as well.
    let restedBefore = false;
    await until('a new session of dbconn is at rest', async () => {
      const resting = await server.sessions.ask(
        "SELECT FROM pg_stat_activity WHERE application_name = 'dbconn' AND state = 'idle' AND query LIKE '%count(*) <=%'",
      );
      const isSettled = restedBefore && resting.length === 1;
      restedBefore = resting.length === 1;
      return isSettled;
    });
    expect((await look(database)).reach.via).toBe('warm');
  });

  test('the limit of dbconn’s own role is told from a full server', async () => {
    await server.sessions.ask('ALTER ROLE limited CONNECTION LIMIT 1');
    await server.sessions.open({ user: 'limited' });
    const { reach } = await look(open('limited'));
    expect(reach.error).toMatchObject({ kind: 'full', scope: 'role', sqlstate: '53300' });
    const rescued = await look(open('limited', { rescueUrl: server.cluster.url() }));
    expect(rescued.reach.via).toBe('superuser');
    expect(rescued.reading?.connectionLimits).toContainEqual({
      kind: 'role',
      name: 'limited',
      limit: 1,
      used: 1,
    });
  });

  test('the limit of a database is told from a full server', async () => {
    await server.sessions.ask('ALTER DATABASE narrow CONNECTION LIMIT 0');
    const { reach } = await look(open('dbconn', { url: server.cluster.url('dbconn', 'narrow') }));
    expect(reach.error).toMatchObject({ kind: 'full', scope: 'database', sqlstate: '53300' });
  });

  test('slots of clients that never finish logging in are counted from PostgreSQL 18 on', async () => {
    const database = open('dbconn');
    await look(database);
    for (let n = 0; n < 3; n += 1) sockets.add(await beginLogin());
    const expected = major >= 18 ? 3 : 0;
    await until('the logins are under way', async () => {
      const { reading } = await database.readSnapshot();
      return reading?.counts.starting === expected;
    });
    expect(await server.sessions.takeAllSlots({ user: 'app' })).toBe(usable - 5);
  });

  test('two who ask at once share one look', async () => {
    const database = open('dbconn');
    const [one, two] = await Promise.all([database.readSnapshot(), database.readSnapshot()]);
    expect(one).toBe(two);
    expect(await server.sessions.ownSessions()).toHaveLength(1);
  });

  test('whoever closes during a look finds nothing open afterwards', async () => {
    const database = open('dbconn');
    const looking = database.readSnapshot();
    await database.close();
    expect((await looking).reading).toBeDefined();
    await until('no session of dbconn is left', async () => {
      return (await server.sessions.ownSessions()).length === 0;
    });
  });

  test('a session on a reserved slot is known as such', async () => {
    const user = reserved > 0 ? 'keyed' : 'postgres';
    const early = await connect(server.cluster.url(user), 5000);
    expect(await readIsOnOrdinarySlot(early, 0)).toBe(true);
    expect(await readIsOnOrdinarySlot(early, usable)).toBe(false);
    await server.sessions.takeAllSlots({ user: 'app' });
    const late = await connect(server.cluster.url(user), 5000);
    expect(await readIsOnOrdinarySlot(late, 0)).toBe(false);
    await Promise.all([early.close(), late.close()]);
  });

  /** A client that sends its name and then, asked for the password, says nothing. */
  async function beginLogin(): Promise<Socket> {
    const body = Buffer.from('\0\u0003\0\0user\0lingering\0database\0postgres\0\0', 'latin1');
    const length = Buffer.alloc(4);
    length.writeInt32BE(body.length + 4);
    const socket = connectTcp(server.cluster.port, server.cluster.host);
    socket.on('error', () => undefined); // ends with the server
    socket.write(Buffer.concat([length, body]));
    await new Promise((resolve) => socket.once('data', resolve));
    return socket;
  }

  /** What runs in the container, here on its socket; where no psql is installed, a session of that role. */
  async function psql(sql: string, timeoutMs: number): Promise<string> {
    const where = [
      '-h',
      server.cluster.socketDirectory,
      '-p',
      String(server.cluster.port),
      '-U',
      'postgres',
    ];
    if (existsSync('/usr/bin/psql')) {
      const { stdout } = await run('/usr/bin/psql', ['-XqAt', ...where, '-c', sql, 'postgres'], {
        timeout: timeoutMs,
      });
      return stdout;
    }
    const connection = await connect(server.cluster.url(), timeoutMs);
    try {
      return await connection.readOne(sql, timeoutMs);
    } finally {
      await connection.close();
    }
  }

  if (reserved === 0) return;

  test('a role with the key to the reserved slots answers before the superuser is tried', async () => {
    await server.sessions.takeAllSlots({ user: 'app' });
    const { reach, reading } = await look(
      open('dbconn', { reservedUrl: server.cluster.url('keyed'), rescueUrl: server.cluster.url() }),
    );
    expect(reach.via).toBe('reserved');
    expect(reach.error).toMatchObject({ kind: 'full', scope: 'server' });
    expect(reading?.visibility).toMatchObject({ role: 'keyed', canUseReserved: true });
    expect(reading?.capacity).toEqual({
      maxConnections: 14,
      superuserReserved: 3,
      reserved: 2,
      providerReserved: 0,
    });
  });

  test('the superuser answers when the reserved slots are taken too', async () => {
    await server.sessions.takeAllSlots({ user: 'app' });
    await server.sessions.takeAllSlots({ user: 'keyed' });
    const { reach } = await look(
      open('dbconn', { reservedUrl: server.cluster.url('keyed'), rescueUrl: server.cluster.url() }),
    );
    expect(reach.via).toBe('superuser');
    expect(reach.rungs.map(({ rung }) => rung)).toEqual(['connection', 'reserved', 'superuser']);
  });

  test('the target’s own role with that key looks and gives the reserved slot back', async () => {
    await server.sessions.takeAllSlots({ user: 'app' });
    const database = open('keyed');
    const { reach } = await look(database);
    expect(reach).toMatchObject({
      via: 'reserved',
      rungs: [{ rung: 'reserved', outcome: 'answered' }],
    });
    await until('the reserved slot is free again', async () => {
      return (await server.sessions.ownSessions()).length === 0;
    });
  });
});
