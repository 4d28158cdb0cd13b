import type { Plan, PlannedServer } from './plan.ts';
import { PrivilegedUnavailable, done, refuse } from './remedy.ts';
import type { Remedy } from './remedy.ts';

/** Which server the privileged role reaches. Throws PrivilegedUnavailable. */
export type ReadServer = () => Promise<PlannedServer>;

/**
 * A remedy about what every server has, such as a setting. It is held to the server that its plan was made on: the
 * address in dbconn.yml, or what its name resolves to, may have changed before it runs, and before it is recovered.
 */
export function onItsServer(remedy: Remedy, readServer: ReadServer): Remedy {
  return {
    ...remedy,
    async propose(ask) {
      // First, so that a plan made on another one by then is refused and not run.
      const server = await reach(readServer);
      const drafted = await remedy.propose(ask);
      if (!drafted.ok) return drafted;
      if (server instanceof PrivilegedUnavailable) {
        return refuse('unreachable', server.message, 'Propose it again.');
      }
      return done({ ...drafted.value, server });
    },
    async recheck(plan) {
      const now = await readServer();
      mustBeSame(plan, now);
      if (plan.server?.startedAt === now.startedAt) return remedy.recheck(plan);
      const why = 'PostgreSQL was restarted after this was planned. Propose it again.';
      throw new PrivilegedUnavailable(why);
    },
    async recover(broken, control) {
      const now = await reach(readServer);
      // One that is down may be what this very change restarts.
      if (!(now instanceof PrivilegedUnavailable)) mustBeSame(broken.plan, now);
      return remedy.recover(broken, control);
    },
  };
}

async function reach(readServer: ReadServer): Promise<PlannedServer | PrivilegedUnavailable> {
  try {
    return await readServer();
  } catch (error) {
    if (error instanceof PrivilegedUnavailable) return error;
    throw error;
  }
}

/** Whether the plan was made on a server with another system identifier; false where either is not known. */
export function isElsewhere(
  { server }: Pick<Plan, 'server'>,
  now: PlannedServer | undefined,
): boolean {
  const [then, here] = [server?.systemIdentifier ?? null, now?.systemIdentifier ?? null];
  return then !== null && here !== null && then !== here;
}

function mustBeSame(plan: Plan, now: PlannedServer): void {
  if (!isElsewhere(plan, now)) return;
  const why =
    'PostgreSQL at the address of this target is another server than the one it was planned for.';
  throw new PrivilegedUnavailable(`${why} Check database.url, then propose it again.`);
}
