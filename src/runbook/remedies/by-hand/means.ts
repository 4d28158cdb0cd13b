import type { PrivilegedConnection, SkipReason } from '../../snapshot/ports.ts';
import type { Blockers } from '../d-stop-blockers/ports.ts';
import type { Target } from '../../snapshot/target.ts';

type Roles = Pick<Target, 'applicationRoles'>;

/**
 * Who may be ended when a person with every right does it: sessions that only lacked the acting role's rights. Signals
 * nobody: whoever holds this can only plan.
 */
export function planningConnection(
  privileged: PrivilegedConnection,
  target: Roles,
): PrivilegedConnection {
  return {
    act: (work) =>
      privileged.act((session) =>
        work({
          async readTerminateCandidates(query) {
            const read = await session.readTerminateCandidates(query);
            const sessions = read.sessions.map((one) => ({
              ...one,
              spared: whyStillSkipped(one, target),
            }));
            return { ...read, sessions };
          },
          terminateSessions: () => Promise.reject(new Error(onlyPlans)),
          readRemainingSessions: (sessions) => session.readRemainingSessions(sessions),
        }),
      ),
  };
}

/** The same of those that others wait for. */
export function planningBlockers(blockers: Blockers, target: Roles): Blockers {
  const judged = <T extends Judged>(found: readonly T[]): T[] =>
    found.map((one) => ({ ...one, spared: whyStillSkipped(one, target) }));
  return {
    act: (work) =>
      blockers.act((session) =>
        work({
          readWaits: () => session.readWaits(),
          readWaiters: (pids) => session.readWaiters(pids),
          readBlockers: async (pids, guard) => judged(await session.readBlockers(pids, guard)),
          readSlow: async (slow, guard) => judged(await session.readSlow(slow, guard)),
          signalBlocker: () => Promise.reject(new Error(onlyPlans)),
        }),
      ),
  };
}

const onlyPlans = 'A plan for a person is never run by dbconn.';

interface Judged {
  readonly identity: { readonly user: string };
  readonly spared: SkipReason | null;
}

/** `superuser` is also said of an application's superuser where the acting role is none itself. */
function whyStillSkipped(
  { identity, spared }: Judged,
  { applicationRoles }: Roles,
): SkipReason | null {
  if (spared === 'no privilege') return null;
  return spared === 'superuser' && applicationRoles.includes(identity.user) ? null : spared;
}
