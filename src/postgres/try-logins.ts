import { z } from 'zod';
import { RoleRights } from '../runbook/snapshot/ports.ts';
import type { RoleSetting, RoleTrial, Roles } from '../runbook/snapshot/ports.ts';
import { connect } from './connect/connection.ts';
import type { Connection } from './connect/connection.ts';
import { toReachError } from './failure.ts';
import { microseconds } from './snapshot/snapshot-statement.ts';

type RoleUrls = { readonly url: string } & {
  readonly [Setting in Exclude<RoleSetting, 'url'>]?: string;
};

/** All logins together. */
const budgetMs = 3000;

/** Every address of a target, tried by a login of its own. */
export function createRoles(urls: RoleUrls): Roles {
  return { tryLogins: () => tryLogins(urls) };
}

/** At most two sessions at once, the second for signalling the first. All are closed once it resolves. */
async function tryLogins({ url, actingUrl, ...others }: RoleUrls): Promise<readonly RoleTrial[]> {
  const deadline = performance.now() + budgetMs;
  const trials: RoleTrial[] = [];
  const looking = new Login('url', url, deadline);
  try {
    trials.push(await looking.try());
    if (actingUrl !== undefined) {
      const acting = new Login('actingUrl', actingUrl, deadline);
      trials.push(await acting.try(looking.session));
      await acting.close();
    }
  } finally {
    await looking.close();
  }
  for (const setting of ['reservedUrl', 'rescueUrl'] as const) {
    const address = others[setting];
    if (address === undefined) continue;
    const login = new Login(setting, address, deadline);
    trials.push(await login.try());
    await login.close();
  }
  return trials;
}

/** A session that another one may try its right to signal on. */
interface OwnSession {
  readonly pid: number;
  readonly startedAt: string;
  readonly superuser: boolean;
}

class Login {
  session: OwnSession | undefined;
  readonly #setting: RoleSetting;
  readonly #url: string;
  readonly #deadline: number;
  #connection: Connection | undefined;

  constructor(setting: RoleSetting, url: string, deadline: number) {
    this.#setting = setting;
    this.#url = url;
    this.#deadline = deadline;
  }

  /** The transaction stays open until the login is closed: a pooler then gives its session to nobody else. */
  async try(other?: OwnSession): Promise<RoleTrial> {
    const setting = this.#setting;
    try {
      this.#connection = await connect(this.#url, this.#leftMs());
      const { version } = this.#connection;
      const answer = await this.#connection.readOne(
        `BEGIN READ ONLY; SET LOCAL search_path = pg_catalog; ${statement(version, other)}`,
        this.#leftMs(),
      );
      const { pid, startedAt, ...rights } = Answer.parse(JSON.parse(answer));
      this.session = { pid, startedAt, superuser: rights.superuser };
      return { setting, ok: true, rights };
    } catch (error) {
      return { setting, ok: false, error: toReachError(error) };
    }
  }

  async close(): Promise<void> {
    await this.#connection?.close();
  }

  #leftMs(): number {
    return Math.max(1, this.#deadline - performance.now());
  }
}

const Answer = RoleRights.extend({
  pid: z.number().int(),
  // It becomes part of a statement.
  startedAt: z.string().regex(/^[\d T:.Z-]+$/),
});

function statement(version: number, other: OwnSession | undefined): string {
  const mayUse = (role: string): string => `pg_has_role('${role}', 'USAGE')`;
  return /* sql */ `
SELECT json_build_object(
    'role', current_user, 'superuser', me.rolsuper, 'version', ${version}, 'pid', pg_backend_pid(),
    'startedAt', (SELECT ${microseconds('backend_start')} FROM pg_stat_activity WHERE pid = pg_backend_pid()),
    'monitor', NOT EXISTS (SELECT FROM pg_stat_activity WHERE query = '<insufficient privilege>')
               AND ${mayUse('pg_read_all_stats')},
    'signals', ${mayUse('pg_signal_backend')} AND ${signal(other)},
    'reserved', me.rolsuper OR ${version >= 160_000 ? mayUse('pg_use_reserved_connections') : 'false'})::text
  FROM pg_roles me WHERE me.rolname = current_user`;
}

/**
 * A cancel is what a terminate asks the same right for, and a session between two statements ignores it. Only a
 * superuser may signal a superuser's, so there the membership alone tells.
 */
function signal(other: OwnSession | undefined): string {
  if (other === undefined) return 'true';
  const { pid, startedAt, superuser } = other;
  return /* sql */ `CASE WHEN ${superuser} AND NOT me.rolsuper THEN true ELSE coalesce((
      SELECT pg_cancel_backend(s.pid) FROM pg_stat_get_activity(${pid}) s
       WHERE s.backend_start = '${startedAt}'::timestamptz AND s.state = 'idle in transaction'), true) END`;
}
