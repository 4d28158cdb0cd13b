import type { Evidence } from '../../diagnose/evidence.ts';
import { sizeVariables } from '../../diagnose/pool-sizes.ts';
import type { ReplicaReading } from '../../snapshot/snapshot.ts';
import { count, list } from '../../snapshot/words.ts';
import type { PlanDraft, PoolTarget, ReplicaTarget, Skipped } from '../plan.ts';
import type { RemedyRequest } from '../remedy-request.ts';
import { countOfReplica } from '../replicas/service-replicas.ts';
import { mayComeBack } from './choose-size.ts';
import type { ChosenPool } from './choose-size.ts';
import type { PlannedEdit, PoolNumbers } from './ports.ts';

interface ResizeParts extends ChosenPool, PlannedEdit {
  readonly ask: RemedyRequest;
  readonly evidence: Evidence;
  readonly targets: readonly ReplicaReading[];
  readonly skipped: readonly Skipped[];
}

/** The plan of a resize: what an approver reads, and nothing else runs. */
export function draftResize(parts: ResizeParts): PlanDraft {
  const { ask, evidence, line, to, from, processes, edit, file, targets, skipped } = parts;
  const { reading } = evidence;
  const replicas = targets.map((replica): ReplicaTarget => {
    const { id, name, number, startedAt, state, health } = replica;
    const connections = countOfReplica(reading, replica);
    return { kind: 'replica', id, name, number, startedAt, state, health, connections };
  });
  const { service } = line;
  const undoable = mayComeBack(evidence, parts);
  const variables = sizeVariables(evidence.services, service);
  const pool: PoolTarget = {
    kind: 'pool',
    service,
    from,
    to,
    processes,
    variables,
    file,
    envSha256: edit.oldSha256,
  };
  return {
    option: 'E',
    target: evidence.target.name,
    ask,
    title: `Resize the pool of ${service}${from === null ? '' : ` from ${inWords(from)}`} to ${inWords(to)}, ${count(targets.length, 'container')}`,
    subject: service,
    targets: [pool, ...replicas],
    skipped: [...skipped],
    skippedTotal: skipped.length,
    cost: costOf(parts),
    frees: freesOf(parts),
    undo: undoOf(parts, undoable),
    undoAsk: undoable && from !== null ? { kind: 'resize-pool', service, size: from } : null,
    steps: stepsOf(replicas, parts),
    risk: 'medium',
  };
}

/** Where the step of the first container stands among them. */
export const firstReplicaStep = 2;

function stepsOf(replicas: readonly ReplicaTarget[], { set, file }: PlannedEdit): string[] {
  const lines = Object.entries(set).map(([name, value]) => `${name}=${value}`);
  return [
    `Keep a copy of ${file}`,
    `Write ${lines.join(' and ')} into ${file}`,
    ...replicas.map(({ name }) => `Recreate ${name} and wait until it is healthy`),
    'Check the new numbers in the pool metrics',
    `Remove the copy of ${file}`,
  ];
}

function costOf(parts: ResizeParts): string[] {
  const { targets, overBudget, assumed, file, sharedWith } = parts;
  return [
    targets.length === 1
      ? 'The service is down until its only container is healthy again.'
      : 'One container at a time is down. Its requests in progress fail.',
    'Files written outside volumes are lost, and random host ports change.',
    'Startup may run migrations.',
    'The next docker compose up recreates these containers again, with the same numbers.',
    ...(overBudget === true
      ? ['All pools together could still open more than the usable connections.']
      : []),
    ...(sharedWith.length === 0
      ? []
      : [
          `${list(sharedWith)} ${sharedWith.length === 1 ? 'reads' : 'read'} the same numbers from ${file}, and ${sharedWith.length === 1 ? 'changes' : 'change'} with the next docker compose up.`,
        ]),
    ...(assumed
      ? [
          `No Compose file was found: dbconn assumes that these containers read their numbers from ${file}.`,
        ]
      : []),
  ];
}

function freesOf({ line, to, from, processes }: ResizeParts): PlanDraft['frees'] {
  const ceiling = (to.poolSize + to.maxOverflow) * processes;
  const grows = from !== null && to.poolSize + to.maxOverflow > from.poolSize + from.maxOverflow;
  if (grows) {
    return {
      slots: 0,
      sentence: `Frees nothing. ${line.service} may then open ${ceiling} connections.`,
    };
  }
  const slots = line.holds === null ? null : Math.max(0, line.holds - ceiling);
  const lasting = `${line.service} may then open at most ${count(ceiling, 'connection')}`;
  return {
    slots,
    sentence: slots === null ? `${lasting}.` : `Frees ${count(slots, 'connection')}: ${lasting}.`,
  };
}

function undoOf({ from }: ResizeParts, undoable: boolean): string {
  if (from === null) {
    return 'Only if a container does not start: the old numbers are unknown.';
  }
  return undoable
    ? `Set it back to ${inWords(from)}, with a new request.`
    : `Not offered: with ${inWords(from)} all pools together could open more than the server has.`;
}

function inWords({ poolSize, maxOverflow }: PoolNumbers): string {
  return `${poolSize} + ${maxOverflow}`;
}
