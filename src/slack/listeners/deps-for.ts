import type { Context } from '@slack/bolt';
import type { Incidents } from '../../runbook/incidents/incidents.ts';
import type { Approvals } from '../../runbook/approval/door.ts';
import { refuse } from '../../runbook/remedies/remedy.ts';
import { isUnremembered } from '../intake.ts';
import type { CommandDeps } from './command-deps.ts';

/**
 * What a listener works with for one request. Where the journal could not remember the request, somebody who captured
 * it could send it again: it may look, stop and call for help, and decides nothing.
 */
export function depsFor(deps: CommandDeps, context: Context): CommandDeps {
  const { changes } = deps;
  if (changes === undefined || !isUnremembered(context)) return deps;
  const { approvals, incidents } = changes;
  return {
    ...deps,
    changes: {
      ...changes,
      approvals: { ...approvals, ...undecidedApprovals },
      ...(incidents !== undefined && { incidents: { ...incidents, ...undecidedIncidents } }),
    },
  };
}

const refused = (): Promise<ReturnType<typeof refuse>> =>
  Promise.resolve(
    refuse(
      'not-recorded',
      'Nothing was done, because the journal could not be written.',
      'Try again in a moment; /dbconn doctor says what is wrong with it.',
    ),
  );

const undecidedApprovals: Partial<Approvals> = {
  propose: refused,
  approve: refused,
  deny: refused,
  withdraw: refused,
  undo: refused,
  breakGlass: refused,
  go: refused,
};

const undecidedIncidents: Partial<Incidents> = {
  open: refused,
  assign: refused,
  silence: refused,
  unsilence: refused,
  merge: refused,
  resolve: refused,
  reopen: refused,
  tick: refused,
};
