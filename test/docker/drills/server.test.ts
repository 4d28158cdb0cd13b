import type Docker from 'dockerode';
import { afterEach, describe, expect, test } from 'vitest';
import { StubbornClient } from '../../support/stubborn-client.ts';
import { whyNoEngine } from '../engine.ts';
import { startStack } from '../stack.ts';
import type { Stack, StackOptions } from '../stack.ts';
import { runInside } from '../run-inside.ts';
import { openStackBot } from './stack-bot.ts';
import type { StackBot } from './stack-bot.ts';
import { runSql } from '../../support/sql.ts';

const dataDirectory = '/var/lib/postgresql/data';

/** Option B from trouble to outcome, in Slack, on the engine. */
describe.skipIf(await whyNoEngine())('max_connections of a real container', () => {
  let stack: Stack;
  let stackBot: StackBot;
  let container: Docker.Container;
  const application: StubbornClient[] = [];

  afterEach(async () => {
    await Promise.all(application.splice(0).map((client) => client.close()));
    try {
      await stackBot.close();
    } finally {
      await stack.close();
    }
  });

  /** A server whose application has taken 18 of its 21 ordinary slots, and takes them again when it is cut off. */
  async function begin(options: StackOptions): Promise<void> {
    stack = await startStack({ replicas: 0, ...options });
    container = stack.docker.getContainer(stack.ids.postgres);
    stackBot = await openStackBot(stack);
    application.push(...Array.from({ length: 18 }, () => new StubbornClient(() => stack.appUrl)));
    await Promise.all(application.map((client) => client.untilOpen()));
  }

  async function inForce(): Promise<string | undefined> {
    const sql = 'SHOW max_connections';
    return (await runSql<{ max_connections: string }>(stack.adminUrl, sql))[0]?.max_connections;
  }

  const startedAt = async (): Promise<string> => (await container.inspect()).State.StartedAt;

  test('is raised by option B, and lowered again by its undo', async () => {
    await begin({ postgresqlConf: ['max_connections = 24'] });
    const before = await startedAt();
    const ended = await stackBot.change('B 60');
    expect(ended.card.text).toMatch(/^Fixed, /);
    expect(ended.text).toContain('max_connections is 60.');
    expect(await inForce()).toBe('60');
    expect(await startedAt()).not.toBe(before);
    const clients = application.splice(10).map((client) => client.close());
    await Promise.all(clients);
    const undone = await stackBot.undo(ended);
    expect(undone.text).toContain('max_connections is 24.');
    expect(await inForce()).toBe('24');
    const auto = await runInside(container, `cat ${dataDirectory}/postgresql.auto.conf`);
    expect(auto).not.toContain('max_connections');
    expect(await runInside(container, `ls ${dataDirectory}`)).not.toContain('.dbconn-');
  });

  test('stays what it was where the server cannot boot with more, and the card says so', async () => {
    await begin({ postgresqlConf: ['max_connections = 24'] });
    // An edit that nobody restarted for: with many connections it asks for 160 GB of locks.
    const edit = `echo 'max_locks_per_transaction = 20000' >> ${dataDirectory}/postgresql.conf`;
    await runInside(container, edit);
    const ended = await stackBot.change('B 20000');
    expect(ended.card.text).not.toMatch(/^Fixed, /);
    expect(ended.text).toContain('max_connections: put back.');
    expect(ended.text).toContain('PostgreSQL runs with max_connections = 24.');
    expect(ended.text).toContain('could not map anonymous shared memory');
    expect(await inForce()).toBe('24');
    expect(await runInside(container, `ls ${dataDirectory}`)).not.toContain('.dbconn-');
  });

  test('is left alone where the command line sets it, and handed to a person instead', async () => {
    await begin({ maxConnections: 24 });
    const before = await startedAt();
    const answer = await stackBot.ask('preview B 60');
    expect(answer).toContain('max_connections comes from the command line');
    expect(answer).toContain('A person runs the commands that appear here after the last approval');
    expect([await inForce(), await startedAt()]).toEqual(['24', before]);
  });
});
