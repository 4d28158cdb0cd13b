import type Docker from 'dockerode';
import { z } from 'zod';
import type { ServicesReading } from '../runbook/snapshot/snapshot.ts';
import { withTimeout } from '../timing.ts';

export type PostgresProcesses = NonNullable<ServicesReading['postgresProcesses']>;

/** Sources kept; the largest say who fills the server. */
const maxSources = 20;

/**
 * `user database host(port) activity`, or `[local]` for the socket. Names may hold anything, blanks and
 * parentheses too, so the last thing that looks like a client counts: what follows it is PostgreSQL's own.
 */
const session = /^postgres: (?<who>.*) (?<client>\[local\]|[^\s()]+\(\d+\))(?: (?<activity>.*))?$/;

/** With cluster_name set, as Debian does: `postgres: 15/main: app app …`. */
const clusterName = /^.*?: /;

/** A client between its startup packet and its first query holds a slot no view shows before PostgreSQL 18. */
const loggingIn = /^(?:authentication|startup|initializing|starting)/;

const Top = z.object({ Processes: z.array(z.array(z.string())).nullish() });

/**
 * The sessions of PostgreSQL by the process titles in its container: they can be read when no connection
 * can be had. Throws what dockerode throws, TimedOut, or a ZodError.
 */
export async function readPostgresProcesses(
  docker: Docker,
  id: string,
  budgetMs: number,
): Promise<PostgresProcesses> {
  const top: unknown = await withTimeout(budgetMs, (abortSignal) =>
    docker.getContainer(id).top({ abortSignal, _query: { ps_args: '-eo pid,args' } }),
  );
  return countSessions((Top.parse(top).Processes ?? []).map((columns) => columns.at(-1) ?? ''));
}

/**
 * Counts the client backends among process titles. Workers and walsenders are none; neither is a child that
 * still carries the server's own command line: it has sent no startup packet and holds no slot yet.
 */
export function countSessions(titles: readonly string[]): PostgresProcesses {
  const counts = { clients: 0, authenticating: 0, idle: 0, idleInTransaction: 0, active: 0 };
  const sources = new Map<string, PostgresProcesses['sources'][number]>();
  for (const title of titles) {
    const found = parseTitle(title);
    if (found === null) continue;
    counts.clients += 1;
    if (found.state !== null) counts[found.state] += 1;
    const key = JSON.stringify(found.source);
    sources.set(key, { ...found.source, total: (sources.get(key)?.total ?? 0) + 1 });
  }
  const largest = [...sources.values()].sort((a, b) => b.total - a.total).slice(0, maxSources);
  return { ...counts, sources: largest };
}

interface SessionTitle {
  readonly source: { readonly user: string; readonly database: string; readonly client: string };
  /** Null with update_process_title off: the title then never tells. */
  readonly state: 'authenticating' | 'idle' | 'idleInTransaction' | 'active' | null;
}

function parseTitle(title: string): SessionTitle | null {
  const { who, client, activity } = session.exec(title)?.groups ?? {};
  if (who === undefined || client === undefined) return null;
  const words = who.replace(clusterName, '').split(' ');
  if (words[0] === 'walsender') return null;
  return {
    source: {
      // Blanks divide user from database and may stand in both; more often it is the user's.
      user: words.slice(0, -1).join(' '),
      database: words.at(-1) ?? '',
      client: client.replace(/\(\d+\)$/, ''),
    },
    state: stateOf(activity?.trim() ?? ''),
  };
}

function stateOf(activity: string): SessionTitle['state'] {
  if (activity === '') return null;
  if (activity === 'idle') return 'idle';
  if (activity.startsWith('idle in transaction')) return 'idleInTransaction';
  return loggingIn.test(activity) ? 'authenticating' : 'active';
}
