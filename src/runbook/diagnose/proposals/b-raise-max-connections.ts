import { count } from '../../snapshot/words.ts';
import { isDeploying } from '../deploys.ts';
import { isTrouble } from '../diagnosis-parts.ts';
import type { Evidence } from '../evidence.ts';
import type { ProposalInput, ScoredProposal } from './proposal.ts';

/** Room for half as many again is as much as memory planned for the old value is likely to allow. */
const growth = 1.5;

/** What max_connections is raised to when nobody names a number: half as many again, in tens. */
export function raiseMaxConnections(from: number): number {
  return Math.ceil((from * growth) / 10) * 10;
}

/** Raise max_connections: for legitimate demand only, since it restarts PostgreSQL under everybody. */
export function proposeRaise(now: ProposalInput): ScoredProposal[] {
  const { evidence, critical } = now;
  const { capacity, reading } = evidence;
  if (capacity === null || !critical || !isDemand(now)) return [];
  // Neither lasts: the old replicas end with the deploy, and strangers would take the new slots too.
  const passing = evidence.strangers !== null || isDeploying(evidence.overlaps);
  if (passing) return [];
  const raised = raiseMaxConnections(capacity.maxConnections);
  const setting = reading?.settings.find(({ name }) => name === 'max_connections');
  const blocked = whyNotRaise(evidence, setting?.source, raised);
  return [
    {
      regret: 9,
      proposal: {
        option: 'B',
        subject: null,
        summary: `Raise max_connections from ${capacity.maxConnections} to ${raised} and restart PostgreSQL. Every client is disconnected.`,
        slotsFreed: raised - capacity.maxConnections,
        blocked,
        command: `propose B ${raised}`,
      },
    },
  ];
}

/** More processes than slots; or sessions at work that no cause and no other trouble explains. */
function isDemand({ evidence, causes, findings, has }: ProposalInput): boolean {
  if (has('application-scaling')) return true;
  const { capacity } = evidence;
  const mostlyIdle = capacity !== null && capacity.byState.idle >= capacity.used / 2;
  return causes.length === 0 && !mostlyIdle && !findings.some(({ id }) => isTrouble(id));
}

/** What its plan would refuse, as far as a look can tell. */
function whyNotRaise(
  { reading, target }: Evidence,
  source: string | undefined,
  to: number,
): string | null {
  const standbys = reading?.standbys.length ?? 0;
  if (reading?.inRecovery === true) {
    return 'This is a standby: set max_connections in its postgresql.conf and restart it.';
  }
  if (source === 'command line') {
    return 'max_connections is set on the command line: change it there.';
  }
  if (standbys > 0) {
    return `${count(standbys, 'standby', 'standbys')} must have max_connections = ${to} first: raise and restart each, then this server by hand.`;
  }
  return target.canAct === false
    ? 'dbconn has no role that may change max_connections: set actingUrl to one.'
    : null;
}
