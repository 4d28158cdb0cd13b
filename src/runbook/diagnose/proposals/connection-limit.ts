import type { ProposalInput, ScoredProposal } from './case.ts';
import { toCommand } from './to-command.ts';

/** A limit for the role of strangers that hold most of the slots; a service that is squeezed out is never touched. */
export function proposeLimit({
  evidence: { strangers, target },
  short,
}: ProposalInput): ScoredProposal[] {
  const limit = strangers?.limit;
  if (limit === undefined || !short) return [];
  const blocked =
    target.canAct === false
      ? 'No role that may change roles is configured: run ALTER ROLE … CONNECTION LIMIT by hand as a superuser.'
      : null;
  const command = toCommand('prevention', 'connection-limit', 'for', limit.role, String(limit.to));
  return [
    {
      regret: 1,
      proposal: {
        option: 'prevention',
        subject: limit.role,
        summary: `Limit the role that holds ${limit.holds} connections to ${limit.to}; sessions that exist stay until they end.`,
        slotsFreed: null,
        blocked,
        ...(command !== undefined && { command }),
      },
    },
  ];
}
