import type { SourceReading } from '../../snapshot/snapshot.ts';
import { count, durationOfSeconds, sum } from '../../snapshot/words.ts';
import type { Source } from '../diagnosis.ts';
import type { Evidence } from '../evidence.ts';
import { skipByName, toSkipGuard } from '../protected-sessions.ts';
import { toCommand, whyNotSignal } from './proposal.ts';
import type { ProposalInput, ScoredProposal } from './proposal.ts';

/**
 * Whether option A's plan skips these sessions, as `postgres/skip-reason.ts` does: what a proposal counts, its plan
 * has to find. An application's superuser is no such case: why it cannot be ended is said in its place.
 */
function isProtected(
  { application, kind, user, service }: Source,
  { target, reading }: Pick<Evidence, 'target' | 'reading'>,
): boolean {
  return (
    kind === 'own' ||
    skipByName(application, toSkipGuard(target)) !== null ||
    (service === null && isUnlistedSuperuser({ user }, { target, reading }))
  );
}

function isUnlistedSuperuser(
  { user }: { readonly user: string | null },
  { target, reading }: Pick<Evidence, 'target' | 'reading'>,
): boolean {
  const isSuperuser = reading?.superuserRoles.some(({ name }) => name === user) ?? false;
  return isSuperuser && !target.applicationRoles.includes(user ?? '');
}

/** Terminate idle sessions: forgotten transactions first, then connections long unused. */
export function proposeTerminate({ evidence, short }: ProposalInput): ScoredProposal[] {
  const { target } = evidence;
  const sources = endable(evidence);
  const inTransaction = sum(sources.map((source) => source.idleInTransactionOverTerminate));
  const most = mostIdle(sources, evidence);
  const idle = most?.idle ?? sum(sources.map((source) => source.idleOverTerminate));
  const { terminateIdleInTransactionMs, terminateIdleMs } = target.limits;
  const blocked = whyNotSignal(evidence);
  const options: ScoredProposal[] = [];
  if (inTransaction > 0) {
    // Its plan would skip every one of them, so there is nothing to press, and what can be done comes first.
    const isRefused = sources.every(
      (one) => one.idleInTransactionOverTerminate === 0 || isUnlistedSuperuser(one, evidence),
    );
    options.push({
      regret: isRefused ? 8 : 2,
      proposal: {
        option: 'A',
        subject: null,
        summary: `End ${count(inTransaction, 'session')} idle in transaction for over ${durationOfSeconds(terminateIdleInTransactionMs / 1_000)}. Uncommitted changes are lost.`,
        slotsFreed: inTransaction,
        blocked,
        ...(!isRefused && { command: 'propose A' }),
      },
    });
  }
  if (idle > 0 && short) {
    options.push({
      regret: 5,
      proposal: {
        option: 'A',
        subject: null,
        summary: `End ${count(idle, 'session')} idle for over ${durationOfSeconds(terminateIdleMs / 1_000)}. A pool without pre-ping fails one request for each.`,
        slotsFreed: idle,
        blocked,
        ...toIdleCommand(most),
      },
    });
  }
  return options;
}

function endable(evidence: Evidence): readonly SourceReading[] {
  const { reading, sources } = evidence;
  return (reading?.sources ?? []).filter((_source, index) => {
    const source = sources[index];
    return source !== undefined && !isProtected(source, evidence);
  });
}

interface Idle {
  readonly application: string;
  readonly idle: number;
}

/** The application that left most idle: option A ends one application's at a time, and a configured one only by button. */
function mostIdle(
  sources: readonly SourceReading[],
  { target, strangers }: Evidence,
): Idle | undefined {
  const services = target.services.filter(({ name }) => strangers?.victims.includes(name) !== true);
  const configured = new Set(services.map(({ name, application }) => application ?? name));
  const groups = Map.groupBy(sources, ({ application }) => application);
  const [most] = [...groups]
    .filter(([application]) => configured.has(application))
    .map(([application, alike]) => ({
      application,
      idle: sum(alike.map(({ idleOverTerminate }) => idleOverTerminate)),
    }))
    .toSorted((a, b) => b.idle - a.idle);
  return most === undefined || most.idle === 0 ? undefined : most;
}

function toIdleCommand(most: Idle | undefined): { readonly command?: string } {
  const command = most === undefined ? undefined : toCommand('A', most.application);
  return command === undefined ? {} : { command };
}
