import { Client } from 'pg';

/** Sessions held open in a process of their own, so that the measured one has nothing to do with them. */
const [url = '', idle = '0', waiters = '0'] = process.argv.slice(2);

async function connect(): Promise<Client> {
  const client = new Client({ connectionString: url, application_name: 'crowd' });
  client.on('error', () => process.exit(0)); // the server is going down, and so do we
  await client.connect();
  return client;
}

async function connectMany(count: number): Promise<Client[]> {
  const clients: Client[] = [];
  while (clients.length < count) {
    const batch = Math.min(20, count - clients.length);
    clients.push(...(await Promise.all(Array.from({ length: batch }, connect))));
  }
  return clients;
}

await connectMany(Number(idle));
if (Number(waiters) > 0) {
  const holder = await connect();
  await holder.query('CREATE TABLE IF NOT EXISTS hot (id int PRIMARY KEY, n int)');
  await holder.query('INSERT INTO hot VALUES (1, 0) ON CONFLICT DO NOTHING');
  await holder.query('BEGIN');
  await holder.query('UPDATE hot SET n = n + 1 WHERE id = 1');
  for (const client of await connectMany(Number(waiters))) {
    client.query('UPDATE hot SET n = n + 1 WHERE id = 1').catch(() => undefined); // ends with the server
  }
  const waiting = 'SELECT count(*)::int AS n FROM pg_locks WHERE NOT granted';
  for (;;) {
    const { rows } = await holder.query<{ n: number }>(waiting);
    if ((rows[0]?.n ?? 0) >= Number(waiters)) break;
  }
}
process.stdout.write('ready\n');
process.stdin.resume();
process.stdin.once('end', () => process.exit(0));
