import type { CauseName } from '../../diagnose/diagnosis.ts';
import type { Trouble } from '../../diagnose/troubles.ts';
import type { Advice } from '../report.ts';

/** What prevents the next incident of a kind, where no figure of this one says more. */
const byCause: Readonly<Record<CauseName | Trouble, Advice>> = {
  'connection-leak': {
    setting: 'the code that takes connections',
    now: null,
    better: 'give each connection back in a context manager (`with`), also after an exception',
    because: 'A connection that one path of the code does not give back is lost to its pool.',
  },
  'slow-queries': {
    setting: "statement_timeout of the application's role",
    now: null,
    better: 'a little above the slowest query that may be waited for',
    because: 'A query without a limit holds its connection after its request was given up.',
  },
  'uncommitted-transactions': {
    setting: 'idle_in_transaction_session_timeout',
    now: null,
    better: '10min, and a commit or rollback on every path of the code',
    because: 'A transaction that is left open keeps its connection and its locks.',
  },
  'application-scaling': {
    setting: 'PgBouncer',
    now: null,
    better: 'between the applications and PostgreSQL, in transaction mode',
    because: 'Each new process brings a pool of its own; PostgreSQL has no more slots for it.',
  },
  'pool-misconfiguration': {
    setting: 'the size of the pools',
    now: null,
    better: 'all pools together below the usable connections, each above what its requests need',
    because: 'A pool that is too large takes the slots of others, one that is too small queues.',
  },
  'lock-contention': {
    setting: 'lock_timeout of migrations and jobs',
    now: null,
    better: '5s, with a retry',
    because: 'A statement that waits for an exclusive lock makes everybody behind it wait as well.',
  },
  'replication-wait': {
    setting: 'synchronous_standby_names',
    now: null,
    better: 'ANY 1 of two or more standbys, and an alert on replication',
    because: 'With one synchronous standby every commit waits when it is gone.',
  },
  storage: {
    setting: 'monitoring of the storage',
    now: null,
    better: 'an alert on its latency and on the limit of its throughput',
    because: 'Slow reads and writes keep queries, and so connections, for longer.',
  },
  cpu: {
    setting: 'the number of connections at work',
    now: null,
    better: 'a pooler that lets two to four per core work at once',
    because: 'More active sessions than the cores can serve make each of them slower.',
  },
  'internal-locks': {
    setting: 'the number of connections at work',
    now: null,
    better: 'a pooler that lets two to four per core work at once',
    because: 'Sessions that work at once compete for the locks inside PostgreSQL.',
  },
  'client-wait': {
    setting: 'client_connection_check_interval and tcp_user_timeout',
    now: null,
    better: '10s and 30s',
    because: 'PostgreSQL waits for a client that is gone until a write or a check fails.',
  },
  'pooler-queue': {
    setting: 'default_pool_size of PgBouncer',
    now: null,
    better: 'what its clients need, within the usable connections, with an alert on maxwait',
    because: 'Clients queue in the pooler while PostgreSQL has room.',
  },
  'pooler-budget': {
    setting: 'max_db_connections of each PgBouncer',
    now: null,
    better: 'all of them together, over their replicas, below the usable connections',
    because: 'A pooler opens as many connections as it is allowed to as soon as its clients queue.',
  },
  'connection-churn': {
    setting: 'a pool in the application, or PgBouncer',
    now: null,
    better: 'connections that are used again',
    because: 'A login costs the server a process and more time than most queries.',
  },
  'abandoned-clients': {
    setting: 'tcp_keepalives_idle',
    now: null,
    better: '60s, with tcp_keepalives_interval 10s and tcp_keepalives_count 3',
    because: 'Without keepalives PostgreSQL keeps the sessions of clients that are gone for hours.',
  },
  strangers: {
    setting: 'CONNECTION LIMIT of their roles',
    now: null,
    better: 'a role of its own for each kind of client, with a limit that leaves the services room',
    because: 'Clients that no configuration knows take slots that the services count on.',
  },
  maintenance: {
    setting: 'lock_timeout of maintenance',
    now: null,
    better: '5s with a retry, CONCURRENTLY where it exists, and a time of low load',
    because: 'A rewrite or an index build holds a lock that queries wait for until it ends.',
  },
};

/** For a cause of the runbook or a trouble outside of it; none where its setting was advised with figures already. */
export function adviseByCause(
  cause: CauseName | Trouble | null,
  advised: readonly Advice[],
): Advice[] {
  if (cause === null) return [];
  const advice = byCause[cause];
  return advised.some(({ setting }) => setting === advice.setting) ? [] : [advice];
}
