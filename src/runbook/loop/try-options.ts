import { within } from '../../timing.ts';
import type { Clock } from '../../timing.ts';
import type { Check } from '../diagnose/doctor.ts';
import { preflight } from '../remedies/b-raise-max-connections/preflight.ts';
import type { ServerHost, ServerSettings } from '../remedies/b-raise-max-connections/ports.ts';
import type { PoolSettings } from '../remedies/e-resize-pool/ports.ts';
import { PrivilegedUnavailable } from '../remedies/remedy.ts';
import type { RoleTrial } from '../snapshot/ports.ts';
import type { ReplicaReading, Snapshot } from '../snapshot/snapshot.ts';
import type { Target } from '../snapshot/target.ts';
import { quoteIdentifier } from '../snapshot/words.ts';

interface TryInput {
  readonly adapters: {
    readonly target: Target;
    readonly serverSettings?: ServerSettings;
    readonly serverHost?: ServerHost;
    readonly poolSettings?: PoolSettings;
  };
  readonly snapshot: Snapshot;
  readonly trials: readonly RoleTrial[];
  readonly clock: Clock;
}

const budgetMs = 2500;

/** What options B and E would be refused for if they were proposed now, by what they ask themselves. Changes nothing. */
export async function tryOptions(input: TryInput): Promise<Check[]> {
  const { clock } = input;
  const [raise, resize] = await Promise.all([
    within(tryRaise(input), budgetMs, clock),
    within(tryResize(input), budgetMs, clock),
  ]);
  return [...(raise ?? [tooSlow('B')]), ...(resize ?? [tooSlow('E')])];
}

function tooSlow(option: 'B' | 'E'): Check {
  return {
    subject: 'Configuration',
    state: 'warning',
    summary: `Option ${option} could not be tried within ${budgetMs / 1000} s.`,
    fix: 'Run doctor again when the server is less busy.',
    stops: [option],
  };
}

/** One connection more would be refused for what any number would be refused for. */
async function tryRaise({ adapters, snapshot, trials }: TryInput): Promise<Check[]> {
  const { serverSettings, serverHost } = adapters;
  const acting = trials.find(({ setting }) => setting === 'actingUrl');
  if (serverSettings === undefined || acting?.ok !== true) return [];
  const base = { subject: 'PostgreSQL', stops: ['B'] } as const;
  try {
    const reading = await serverSettings.readMaxConnections();
    // A container that was not found is a check of its own.
    const host = hasPostgres(snapshot, adapters.target) ? await serverHost?.readState() : undefined;
    const flight = preflight({ reading, serverHost: host, to: reading.inForce + 1 });
    if (flight.ok) {
      const summary = 'database.actingUrl: the role may change max_connections.';
      return [{ subject: 'PostgreSQL', state: 'ok', summary }];
    }
    const { kind, why, next } = flight.refusal;
    const role = quoteIdentifier(acting.rights.role);
    const isGrant = kind === 'privilege' && reading.version >= 150_000;
    const fix =
      isGrant && !reading.privileges.alterSystem
        ? `GRANT ALTER SYSTEM ON PARAMETER max_connections TO ${role};`
        : next;
    return [{ ...base, state: 'off', summary: why, fix }];
  } catch (error) {
    if (!(error instanceof PrivilegedUnavailable)) throw error;
    const [, summary = error.message, fix] = /^(.+?\.) (.+)$/s.exec(error.message) ?? [];
    return [{ ...base, state: 'missing', summary, ...(fix !== undefined && { fix }) }];
  }
}

function hasPostgres({ services }: Snapshot, { postgresService }: Target): boolean {
  const read = services.ok ? services.value.services : [];
  return read.some(({ name, replicas }) => name === postgresService && replicas.length > 0);
}

/** For each service: where its pool's numbers come from, and whether its containers can be recreated. */
async function tryResize({ adapters, snapshot }: TryInput): Promise<Check[]> {
  const { poolSettings, target } = adapters;
  if (poolSettings === undefined || target.canResize !== true || !snapshot.services.ok) return [];
  const refused = new Set([target.postgresService, ...(target.neverRestart ?? [])]);
  const services = snapshot.services.value.services.filter(
    ({ name, replicas }) => !refused.has(name) && replicas.length > 0,
  );
  const checks = await Promise.all(
    services.map(({ name, replicas }) => tryService(poolSettings, name, replicas)),
  );
  // One service that can be resized is enough for the option.
  if (checks.some(({ state }) => state === 'ok')) return checks;
  return checks.map((check): Check => ({ ...check, stops: ['E'] }));
}

async function tryService(
  poolSettings: PoolSettings,
  service: string,
  replicas: readonly ReplicaReading[],
): Promise<Check> {
  const subject = 'Pools';
  const ids = replicas.map(({ id }) => id);
  const pool = replicas[0]?.pool;
  // Numbers that it does not have: those it has need no edit, and nothing would be tried.
  const to = { poolSize: (pool?.size ?? 0) + 1, maxOverflow: (pool?.maxOverflow ?? 0) + 1 };
  const [planned, obstacles] = await Promise.all([
    poolSettings.planEdit({ service, ids, to }),
    poolSettings.readObstacles(ids),
  ]);
  const cannot = (summary: string, fix: string): Check => {
    return { subject, state: 'off', summary, fix };
  };
  if (!planned.ok) {
    const { summary, fix = 'Write ${NAME} in the Compose file, and set NAME in its .env.' } =
      planned.problem;
    return cannot(`Option E cannot resize ${service}: ${summary}`, fix);
  }
  const [obstacle] = obstacles;
  if (obstacle !== undefined) {
    const summary = `Option E cannot recreate ${service}: ${obstacle.reason}.`;
    return cannot(summary, `Change its pool by hand, then \`docker compose up -d ${service}\`.`);
  }
  return {
    subject,
    state: 'ok',
    summary: `Option E can resize ${service} in ${planned.value.file}.`,
  };
}
