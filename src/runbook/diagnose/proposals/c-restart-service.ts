import { nameOf, toCauseInput } from '../causes/cause-input.ts';
import type { Holder } from '../causes/cause-input.ts';
import { leakingService } from '../causes/connection-leak.ts';
import type { Evidence } from '../evidence.ts';
import type { ProposalInput, ScoredProposal } from './proposal.ts';
import { toCommand, whyNotDocker, whyNotSignal } from './proposal.ts';

/** Restart the service whose connections are not given back, or the largest holder when nothing else can be done. */
export function proposeRestart({ evidence, short, has }: ProposalInput): ScoredProposal[] {
  const input = toCauseInput(evidence);
  const stranded = short && whyNotSignal(evidence) !== null;
  if (!has('connection-leak') && !stranded) return [];
  const service = has('connection-leak') ? leakingService(input) : undefined;
  if (service === null) return [unknownService];
  // What a service behind a pooler holds there is the pooler's; where it leaks, its processes are still what leaks.
  if (service !== undefined && evidence.behindPoolers.has(service)) {
    return mayRestart(service, evidence) && !isPooler(service, evidence)
      ? [restart({ service, isLeaking: true, slotsFreed: null }, evidence)]
      : [];
  }
  const candidates = input.holders.filter((one) => mayRestart(one.service, evidence));
  const holder =
    service === undefined
      ? candidates.find(
          (one) => one.holds > 0 && !isVictim(one, evidence) && !isAbandoned(one, evidence),
        )
      : candidates.find((one) => one.service === service);
  // A query that runs goes on in PostgreSQL after its client is gone, and keeps its slot until it ends.
  return holder === undefined
    ? []
    : [
        restart(
          {
            service: holder.service,
            isLeaking: service !== undefined,
            slotsFreed: holder.holds - holder.active,
          },
          evidence,
        ),
      ];
}

/** Squeezed out by strangers: what it holds is not what fills the server. */
function isVictim({ service }: Holder, { strangers }: Evidence): boolean {
  return service !== null && strangers?.victims.includes(service) === true;
}

/** Its processes do not hold what fills the server, so ending them frees none of it. */
function isAbandoned({ service }: Holder, { abandoned }: Evidence): boolean {
  return abandoned !== null && abandoned.service === service;
}

/** What its plan would refuse: PostgreSQL itself, what dbconn needs, and what does not run. */
function mayRestart(
  service: string | null,
  { target, services, snapshot }: Evidence,
): service is string {
  if (service === null || service === target.postgresService) return false;
  if (target.neverRestart?.includes(service) === true) return false;
  const replicas = services.find(({ name }) => name === service)?.replicas ?? [];
  const runs = replicas.some(({ state }) => state === 'running' || state === 'restarting');
  return runs || !snapshot.services.ok;
}

/** Restarting another service would help nobody. */
const unknownService: ScoredProposal = {
  regret: 6,
  proposal: {
    option: 'C',
    subject: null,
    summary: 'Restart the application that holds them. Its connections are dropped.',
    slotsFreed: null,
    blocked: 'Its service is not configured: name it under services, or restart it by hand.',
  },
};

interface Restart {
  readonly service: string | null;
  /** Ending its sessions would free slots, and leave its pool waiting for connections that are gone. */
  readonly isLeaking: boolean;
  readonly slotsFreed: number | null;
}

function restart({ service, isLeaking, slotsFreed }: Restart, evidence: Evidence): ScoredProposal {
  const blocked = whyNotDocker(evidence);
  const command = service === null ? undefined : toCommand('C', service);
  return {
    regret: isLeaking ? 4 : 6,
    proposal: {
      option: 'C',
      subject: service,
      summary: `Restart ${nameOf({ service })}, one replica at a time. Its connections are dropped and requests in flight fail. Migrations may run at start-up.`,
      slotsFreed,
      blocked,
      ...(command !== undefined && { command }),
    },
  };
}

function isPooler(service: string, { poolers }: Evidence): boolean {
  return poolers.some(({ name }) => name === service);
}
