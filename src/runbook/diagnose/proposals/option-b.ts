import { raiseMaxConnections } from '../raise-max-connections.ts';
import type { Case, Weighed } from './case.ts';

/** Raise max_connections: for legitimate demand only, since it restarts PostgreSQL under everybody. */
export function proposeRaise({ evidence, causes, critical, has }: Case): Weighed[] {
  const { capacity, reading } = evidence;
  if (capacity === null || !critical) return [];
  const legitimate = causes.length === 0 || has('application-scaling');
  if (!legitimate) return [];
  const raised = raiseMaxConnections(capacity.maxConnections);
  const setting = reading?.settings.find(({ name }) => name === 'max_connections');
  const standbys = reading?.standbys.length ?? 0;
  const byHand = setting?.source === 'command line';
  const first = standbys > 0 ? ` Its ${standbys} standbys must be raised first.` : '';
  return [
    {
      regret: 9,
      proposal: {
        option: 'B',
        subject: null,
        summary: `Raise max_connections from ${capacity.maxConnections} to ${raised} and restart PostgreSQL: every client is disconnected.${first}`,
        slotsFreed: raised - capacity.maxConnections,
        blocked: byHand
          ? 'max_connections comes from the command line: change it there, ALTER SYSTEM has no effect.'
          : null,
        ...(!byHand && { command: `propose B ${raised}` }),
      },
    },
  ];
}
