import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Session } from '../support/sessions.ts';
import { majors } from '../support/breadth.ts';
import { useNightServer } from './support/night-server.ts';
import { optionD } from './support/option-d.ts';
import { variants } from './support/variants.ts';
import { diagnoseOnce } from './support/night.ts';
import { runSql } from '../support/sql.ts';

/** Night 31, and field/sql/foreign-encoding.sql: no text of a session breaks the look, and no literal leaves it. */
describe.for(majors)('PostgreSQL %i', (major) => {
  const night = useNightServer({ major, settings: { max_connections: 40 } });
  beforeAll(async () => {
    for (const encoding of ['LATIN1', 'EUC_JP', 'SQL_ASCII']) {
      await night.sessions.ask(
        `CREATE DATABASE of_${encoding} ENCODING '${encoding}' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'`,
      );
    }
  });

  describe.each(variants)(
    'texts that nobody can read ($seed)',
    ({ seeded, applications, user }) => {
      const secret = `${applications[2]}xyzzy`;
      const [name] = applications;

      afterAll(() => night.sessions.endAll());

      async function failed(text: string): Promise<Session> {
        const session = await night.sessions.open({ application: name });
        await session.run('BEGIN');
        await session.run(text).catch(() => undefined); // it is no SQL
        return session;
      }

      test('a text of another encoding is blanked, and everything else is judged', async () => {
        for (const encoding of ['latin1', 'euc_jp', 'sql_ascii']) {
          const session = await night.sessions.open({
            database: `of_${encoding}`,
            application: name,
          });
          if (encoding !== 'sql_ascii') {
            await session.run(`SET client_encoding = 'UTF8'`, 'BEGIN');
            await session
              .run(encoding === 'latin1' ? `SELECT 'café ${secret}'` : `SELECT 'あé ${secret}'`)
              .catch(() => undefined);
            continue;
          }
          // So that a cut after a round number of bytes goes through a letter.
          await session.run(
            'BEGIN',
            `SELECT '${'x'.repeat(seeded.between(985, 995))}${'é'.repeat(20)}'`,
          );
        }
        await night.sessions.openMany(seeded.between(3, 9), { application: applications[1] });
        const { reach, capacity, sessions, sources, text } = await look();
        expect(reach).toMatchObject({ via: 'connection' });
        expect(capacity?.byState.idleInTransaction).toBeGreaterThanOrEqual(2);
        expect(sources.some(({ application }) => application === applications[1])).toBe(true);
        const latin = sessions.find(({ database }) => database === 'of_latin1');
        expect(latin).toMatchObject({
          state: 'idle in transaction',
          query: null,
          fingerprint: null,
        });
        expect(text).not.toContain(secret);
      });

      test('a text whose quotes do not pair is withheld, its fingerprint too, in looks and plans', async () => {
        const broken = [
          `SELECT '${secret}`,
          `SELECT 'it's ${secret}`,
          `SELECT 'O'Brien', '${secret}', 'D'Arcy'`,
          `SELECT * FROM t WHERE a = $tag$${secret}`,
          `SELECT 1 /* ${secret}`,
          `SELECT E'${secret}\\' AND b = ${secret}`,
          `SELECT "${secret}`,
          `SELECT U&'${secret}`,
        ];
        const pids: number[] = [];
        for (const one of broken) pids.push((await failed(one)).pid);
        const { sessions, text } = await look();
        for (const pid of pids) {
          expect(sessions.find((one) => one.pid === pid)).toMatchObject({
            state: 'idle in transaction (aborted)',
            query: null,
            fingerprint: null,
          });
        }
        const plan = await optionD(night.cluster, { applicationRoles: ['postgres'] }).propose({
          kind: 'stop-session',
          pid: pids[1] ?? 0,
          how: 'terminate',
        });
        expect(`${text}${JSON.stringify(plan)}`).not.toContain(secret);
      });

      test('of a text that the server cut within a literal what precedes the first one is left', async () => {
        const long = 'y'.repeat(seeded.between(1100, 3000));
        const one = await failed(`INSERT INTO t VALUES ('${secret}', '${long}${secret}')`);
        const { sessions, text } = await look();
        expect(sessions.find(({ pid }) => pid === one.pid)?.query).toBe('INSERT INTO t VALUES (?');
        expect(text).not.toContain(secret);
      });

      test('names that are no UTF-8 do not break it either', async () => {
        await runSql(
          night.cluster.url('postgres', 'of_latin1'),
          `CREATE ROLE "${user}é" LOGIN`,
          `DROP ROLE "${user}é"`,
          `CREATE ROLE "${user}é" LOGIN CONNECTION LIMIT 7`,
        );
        const { reach, capacity } = await look();
        expect(reach.via).toBe('connection');
        expect(capacity?.usable).toBe(37);
      });

      async function look() {
        const diagnosis = await diagnoseOnce(night.cluster);
        return { ...diagnosis, text: JSON.stringify(diagnosis) };
      }
    },
  );
});
