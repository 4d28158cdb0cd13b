import type { BlockerIdentity } from '../targets/blocker.ts';

/** Whether both are the same session, whatever it does. */
export function isSameSession(a: BlockerIdentity, b: BlockerIdentity): boolean {
  return (
    a.pid === b.pid &&
    a.startedAt === b.startedAt &&
    a.user === b.user &&
    a.application === b.application
  );
}

/** Whether both are the same session at the same statement, or in the same rest. */
export function isSameStatement(a: BlockerIdentity, b: BlockerIdentity): boolean {
  return (
    isSameSession(a, b) &&
    a.state === b.state &&
    a.stateChangedAt === b.stateChangedAt &&
    a.transactionStartedAt === b.transactionStartedAt &&
    a.queryStartedAt === b.queryStartedAt
  );
}
