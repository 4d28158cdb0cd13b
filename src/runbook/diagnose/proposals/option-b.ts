import type { Case, Weighed } from './case.ts';

/** Room for half as many again is as much as memory planned for the old value is likely to bear. */
const growth = 1.5;

/** Raise max_connections: for legitimate demand only, since it restarts PostgreSQL under everybody. */
export function proposeRaise({ evidence, causes, critical, has }: Case): Weighed[] {
  const { capacity, reading } = evidence;
  if (capacity === null || !critical) return [];
  const legitimate = causes.length === 0 || has('application-scaling');
  if (!legitimate) return [];
  const raised = Math.ceil((capacity.maxConnections * growth) / 10) * 10;
  const setting = reading?.settings.find(({ name }) => name === 'max_connections');
  const standbys = reading?.standbys.length ?? 0;
  const first = standbys > 0 ? ` Its ${standbys} standbys must be raised first.` : '';
  return [
    {
      regret: 9,
      proposal: {
        option: 'B',
        subject: null,
        summary: `Raise max_connections from ${capacity.maxConnections} to ${raised} and restart PostgreSQL: every client is disconnected.${first}`,
        slotsFreed: raised - capacity.maxConnections,
        blocked:
          setting?.source === 'command line'
            ? 'max_connections comes from the command line: change it there, ALTER SYSTEM has no effect.'
            : null,
      },
    },
  ];
}
