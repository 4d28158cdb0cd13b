import { gatherEvidence } from '../../diagnose/evidence.ts';
import type { ReplicaReading, Snapshot } from '../../snapshot/snapshot.ts';
import type { ServiceConfig, Target } from '../../snapshot/target.ts';
import { count } from '../../snapshot/words.ts';
import type { Plan, PlanDraft, ReplicaTarget, Skipped } from '../plan.ts';
import type { RemedyRequest } from '../remedy-request.ts';
import { done, refuse } from '../remedy.ts';
import type { Answer, Recheck, Remedy } from '../remedy.ts';
import {
  countOfReplica,
  countOfService,
  findService,
  readReplicas,
  whyNotRunning,
} from '../replicas/service-replicas.ts';
import { checkReplicas, lastOne, whyChanged } from './evidence.ts';
import type { OptionCPorts } from './ports.ts';
import { runRestarts } from './restart-replicas.ts';

/** What a restart of this service frees, and what it costs others where it is a pooler. */
export function effectOf(
  snapshot: Snapshot,
  target: Target,
  name: string,
): Pick<PlanDraft, 'frees'> & { readonly cost: readonly string[] } {
  const { poolers, behindPoolers } = gatherEvidence({ snapshot: snapshot, target, recent: [] });
  const pooler = poolers.find((one) => one.name === name);
  if (pooler === undefined && behindPoolers.has(name)) {
    const sentence = 'It connects through a pooler, so how many connections this frees is unknown.';
    return { cost: [], frees: { slots: null, sentence } };
  }
  const slots = countOfService(snapshot, target, name);
  return {
    cost:
      pooler === undefined
        ? []
        : [
            `It is a pooler: ${count(pooler.reading.clients, 'client is', 'clients are')} disconnected.`,
          ],
    frees: {
      slots,
      sentence:
        slots === null
          ? 'How many connections this frees is unknown.'
          : `Frees up to ${count(slots, 'connection')}. Its pools reopen what they need.`,
    },
  };
}

/** Runbook option C: restart a service, one replica after another. */
export function createOptionC(ports: OptionCPorts): Remedy {
  return {
    option: 'C',
    target: ports.target.name,
    propose: (ask) => proposeRestart(ports, ask),
    recheck: (plan) => recheckReplicas(ports, plan),
    run: (plan, left, control) => runRestarts(ports, { plan, left, control }),
    recover: ({ plan, since }) => checkReplicas(ports, plan, since),
  };
}

async function proposeRestart(ports: OptionCPorts, ask: RemedyRequest): Promise<Answer<PlanDraft>> {
  if (ask.kind !== 'restart') throw new Error('Option C only restarts services.');
  const service = mayRestart(ports, ask.service);
  if (!service.ok) return service;
  const snapshot = await ports.takeSnapshot();
  const replicas = readReplicas(snapshot, service.value.name);
  if (!replicas.ok) return replicas;
  const skipped = replicas.value.flatMap((replica) => whySkipped(ports, replica));
  const names = new Set(skipped.map(({ what }) => what));
  const targets = replicas.value.filter(({ name }) => !names.has(name));
  if (targets.length > 0) {
    return done(draft(ports.target, { service: service.value, snapshot, targets, skipped }));
  }
  return refuse(
    'nothing-to-do',
    `None of the containers of ${service.value.name} can be restarted: ${reasonsOf(skipped)}.`,
    'Check them with docker compose ps.',
  );
}

/** Only what is configured, and never what dbconn stands on. */
function mayRestart(ports: OptionCPorts, name: string): Answer<ServiceConfig> {
  if (name === ports.target.postgresService) {
    const next = 'Restarting PostgreSQL ends every session: use option B for that.';
    return refuse('postgres', 'Option C does not restart PostgreSQL.', next);
  }
  if (ports.refusedServices.includes(name)) {
    const next = 'Restart it by hand if necessary.';
    return refuse('own-service', 'dbconn does not restart services it depends on.', next);
  }
  return findService(ports.target, name);
}

function whySkipped(ports: OptionCPorts, replica: ReplicaReading): Skipped[] {
  const { id, name } = replica;
  if (ports.refusedContainers.some((own) => own.startsWith(id) || id.startsWith(own))) {
    return [{ what: name, label: '', reason: 'dbconn runs in it' }];
  }
  const reason = whyNotRunning(replica);
  return reason === undefined ? [] : [{ what: name, label: '', reason }];
}

interface Found {
  readonly service: ServiceConfig;
  readonly snapshot: Snapshot;
  readonly targets: readonly ReplicaReading[];
  readonly skipped: readonly Skipped[];
}

function draft(target: Target, { service, snapshot, targets, skipped }: Found): PlanDraft {
  const { reading } = snapshot.database;
  const { frees, cost } = effectOf(snapshot, target, service.name);
  const ordered = targets.map((replica) => toTarget(replica, countOfReplica(reading, replica)));
  return {
    option: 'C',
    target: target.name,
    ask: { kind: 'restart', service: service.name },
    title: `Restart ${service.name}, ${count(targets.length, 'replica')}`,
    subject: service.name,
    targets: ordered,
    skipped: [...skipped],
    skippedTotal: skipped.length,
    cost: [
      ...cost,
      targets.length === 1
        ? 'The service is down until its only replica is healthy again.'
        : 'One replica at a time is down. Its requests in progress fail.',
      'Startup may run migrations.',
      'Active queries keep running in PostgreSQL unless client_connection_check_interval is set.',
    ],
    frees,
    undo: 'Not needed: a restart changes no setting.',
    undoAsk: null,
    steps: ordered.map(({ name }) => `Restart ${name} and wait until it is healthy`),
    risk: targets.length === 1 || cost.length > 0 ? 'medium' : 'low',
  };
}

function toTarget(replica: ReplicaReading, connections: number | null): ReplicaTarget {
  const { id, name, number, startedAt, state, health } = replica;
  return { kind: 'replica', id, name, number, startedAt, state, health, connections };
}

async function recheckReplicas(ports: OptionCPorts, plan: Plan): Promise<Recheck> {
  if (plan.ask.kind !== 'restart') throw new Error('Option C only restarts services.');
  const replicas = readReplicas(await ports.takeSnapshot(), plan.ask.service);
  const present = replicas.ok ? replicas.value : [];
  const now = new Map(present.map((replica) => [replica.id, replica]));
  const isLast = present.filter((one) => whyNotRunning(one) === undefined).length === 1;
  const left: ReplicaTarget[] = [];
  const skipped: Skipped[] = [];
  for (const target of plan.targets) {
    if (target.kind !== 'replica') continue;
    const reason =
      whyChanged(target, now.get(target.id)) ??
      (isLast && plan.targets.length > 1 ? lastOne : undefined);
    if (reason === undefined) left.push(target);
    else skipped.push({ what: target.name, label: '', reason });
  }
  return { left, skipped };
}

function reasonsOf(skipped: readonly Skipped[]): string {
  return [...new Set(skipped.map(({ reason }) => reason))].join('; ');
}
