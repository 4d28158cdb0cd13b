import type { Finding } from '../diagnosis.ts';
import type { Evidence } from '../evidence.ts';
import { describeProgress, findMaintenance } from '../maintenance.ts';
import { cleanUntrusted } from '../untrusted.ts';
import { findClientWaits, findSaturation, isTelling, sessionsIn } from '../wait-classes.ts';
import type { ClassWaits, Saturated } from '../wait-classes.ts';
import { count } from '../../snapshot/words.ts';
import { describeSession, mostExamples } from './sessions.ts';

/** What active sessions wait for, where it is none of the runbook's six causes. */
export function findInWaits(evidence: Evidence): Finding[] {
  return [
    ...replicationWait(evidence),
    ...saturation(evidence),
    ...clientWait(evidence),
    ...maintenance(evidence),
  ];
}

/** A few commits wait for a round trip to the standby at any moment. */
const leastCommitting = 3;

/** None of the runbook's six causes: the commits are done here, and only the standby's word is missing. */
function replicationWait({ reading }: Evidence): Finding[] {
  const committing = reading?.counts.committing ?? 0;
  const waits = (reading?.sessions ?? []).filter(
    ({ waitEvent, stateAgeSeconds }) => waitEvent === 'SyncRep' && (stateAgeSeconds ?? 0) >= 1,
  );
  if (committing < leastCommitting || waits.length === 0) return [];
  return [
    {
      id: 'replication-wait',
      severity: 'critical',
      summary: `${count(committing, 'commit')} wait for a synchronous standby that does not answer.`,
      figure: { value: committing, unit: 'commits' },
      evidence: waits.slice(0, mostExamples).map(describeSession),
      fix: "Bring the standby back, or let a DBA run ALTER SYSTEM SET synchronous_standby_names = '' and SELECT pg_reload_conf(). Do not cancel them: they are committed here already.",
    },
  ];
}

const saturated: Record<Saturated, { readonly sentence: string; readonly fix: string }> = {
  storage: {
    sentence: 'wait for storage',
    fix: 'See the latency and throughput of the disk, and what else reads and writes on it: a backup, a checkpoint, VACUUM. Cancelling single statements or restarting PostgreSQL empties caches and makes it slower.',
  },
  'internal-locks': {
    sentence: "wait for PostgreSQL's internal locks",
    fix: 'Let fewer sessions work at once (a smaller pool, or a pooler), and look up the wait events below. There is no blocker to end: cancelling some lets others take their place.',
  },
  cpu: {
    sentence: 'compute, and wait for nothing',
    fix: 'See the load of the machine and what else runs on it; let fewer sessions work at once (a smaller pool, or a pooler). More connections make it slower.',
  },
};

/** Whatever is asked takes long then: no statement is to blame, and its plan is no help. */
function saturation(evidence: Evidence): Finding[] {
  const waits = findSaturation(evidence);
  if (waits === undefined) return [];
  const { sentence, fix } = saturated[waits.class];
  return [
    {
      id: waits.class,
      severity: 'warning',
      summary: `${count(waits.lasting, 'session')} at work ${sentence}, each for over a second.`,
      figure: { value: waits.lasting, unit: 'sessions' },
      evidence: [
        'Waits are seen at one moment: a second check makes it more certain.',
        ...examplesOf(waits, evidence),
      ],
      fix,
    },
  ];
}

/** The server is done, or cannot go on, and the program at the other end neither reads nor sends. */
function clientWait(evidence: Evidence): Finding[] {
  const waits = findClientWaits(evidence);
  if (waits === undefined) return [];
  return [
    {
      id: 'client-wait',
      severity: 'warning',
      summary: `${count(waits.lasting, 'session')} in the middle of a statement wait for a client that neither reads nor sends.`,
      figure: { value: waits.lasting, unit: 'sessions' },
      evidence: examplesOf(waits, evidence),
      fix: 'See why the client is slow, or whether it is gone. To get the connection back, terminate: a cancel is heard only once the client listens. client_connection_check_interval and tcp_user_timeout end those whose client is gone.',
    },
  ];
}

function examplesOf(waits: ClassWaits, { reading }: Evidence): string[] {
  const events = waits.events
    .slice(0, mostExamples)
    .filter(({ type, lasting }) => type !== null && lasting > 0)
    .map(({ type, event, lasting }) =>
      cleanUntrusted(`${type}:${event}: ${count(lasting, 'session')}`, 200),
    );
  const sessions = sessionsIn(waits.class, reading?.sessions).slice(0, mostExamples);
  return [...events, ...sessions.map(describeSession)];
}

/** A build or rewrite at the head of a queue: how far it is decides whether to wait. */
function maintenance(evidence: Evidence): Finding[] {
  return findMaintenance(evidence)
    .filter(({ victims }) => isTelling(victims, evidence))
    .map(({ pid, victims, command, progress, session }) => ({
      id: 'maintenance',
      severity: 'warning',
      summary: `${command}${describeProgress(progress)} of ${pid} holds up ${count(victims, 'session')}.`,
      figure: { value: victims, unit: 'sessions' },
      evidence: session === undefined ? [] : [describeSession(session)],
      fix: 'Wait if it is nearly done; cancelled, it starts from the beginning. Do not cancel CREATE INDEX or REINDEX CONCURRENTLY without dropping the invalid index it leaves.',
    }));
}
