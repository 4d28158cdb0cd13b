import type { Diagnosis, Proposal, Session } from '../../runbook/diagnose/diagnosis.ts';
import { skipByName, toSkipGuard } from '../../runbook/diagnose/protected-sessions.ts';
import { shellWord } from '../../runbook/remedies/by-hand/psql.ts';
import type { Target } from '../../runbook/snapshot/target.ts';
import type { Paint } from './layout.ts';

/**
 * What would help, as commands to copy, where dbconn may only read. No command is wrapped. Each signals only sessions
 * that are still as they were seen: what happened since is nobody's to end.
 * @param connection what stands after `psql`
 */
export function renderByHand(
  diagnosis: Diagnosis,
  { target, connection }: { readonly target: Target; readonly connection: string },
  paint: Paint,
): string {
  const lines = diagnosis.proposals.flatMap((proposal) => {
    const sql = toSql(proposal, diagnosis, target);
    const letter = `  ${proposal.option}  `;
    if (sql !== undefined) return [`${letter}psql ${connection} -X -c "${sql}"`];
    return proposal.option === 'C'
      ? [`${letter}docker compose restart ${shellWord(proposal.subject ?? 'SERVICE')}`]
      : [];
  });
  if (lines.length === 0) return '';
  const title = 'To do it by hand, as a role that may end sessions';
  return ['', '', paint('bold', title), ...lines].join('\n');
}

/** Numbers, times and words of our own alone: nothing in it means anything to a shell within double quotes. */
function toSql(proposal: Proposal, diagnosis: Diagnosis, target: Target): string | undefined {
  const { terminateIdleInTransactionMs, slowQueryMs } = target.limits;
  const sessions = diagnosis.sessions.filter((session) => mayEnd(session, target));
  const [, raised] = /^propose B (\d{1,6})$/.exec(proposal.command ?? '') ?? [];
  if (raised !== undefined) return `ALTER SYSTEM SET max_connections = ${raised}`;
  switch (proposal.command) {
    case 'propose A': {
      const idle = sessions.filter(
        ({ state, stateAgeSeconds }) =>
          state.startsWith('idle in transaction') &&
          (stateAgeSeconds ?? 0) * 1000 >= terminateIdleInTransactionMs,
      );
      const rest = `state LIKE 'idle in transaction%' AND state_change < ${ago(terminateIdleInTransactionMs)}`;
      return signal('terminate', idle, rest);
    }
    case 'propose D slow': {
      const slow = sessions.filter(
        ({ state, queryAgeSeconds, waitEventType }) =>
          state === 'active' &&
          waitEventType !== 'Client' &&
          (queryAgeSeconds ?? 0) * 1000 >= slowQueryMs,
      );
      return signal('cancel', slow, `state = 'active' AND query_start < ${ago(slowQueryMs)}`);
    }
    case 'propose D': {
      const root = sessions.find(({ pid }) => `${pid}` === proposal.subject);
      if (root === undefined) return undefined;
      const isActive = root.state === 'active' && root.waitEventType !== 'Client';
      const isBlocking =
        'EXISTS (SELECT FROM pg_stat_activity w WHERE a.pid = ANY (pg_blocking_pids(w.pid)))';
      const asSeen = `backend_start = '${root.startedAt}' AND ${isBlocking}`;
      return signal(isActive ? 'cancel' : 'terminate', [root], asSeen);
    }
    default:
      return undefined;
  }
}

/** What the plan would skip by what shows of it. */
function mayEnd({ application, superuser, user }: Session, target: Target): boolean {
  if (skipByName(application, toSkipGuard(target)) !== null) return false;
  return !superuser || target.applicationRoles.includes(user ?? '');
}

function ago(ms: number): string {
  return `now() - interval '${ms / 1000} s'`;
}

function signal(
  how: 'cancel' | 'terminate',
  sessions: readonly Session[],
  asSeen: string,
): string | undefined {
  if (sessions.length === 0) return undefined;
  const pids = sessions.map(({ pid }) => pid).join(', ');
  return `SELECT pid, pg_${how}_backend(pid) FROM pg_stat_activity a WHERE pid IN (${pids}) AND ${asSeen}`;
}
