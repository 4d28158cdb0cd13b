import type { Change, Finding } from '../diagnosis.ts';
import type { Overlap } from '../deploy-overlap.ts';
import type { Evidence } from '../evidence.ts';
import { pressureOf } from '../pressure.ts';
import type { ReplicaReading } from '../../snapshot/snapshot.ts';
import { cleanUntrusted } from '../untrusted.ts';
import { count, durationOfSeconds, list } from '../../snapshot/words.ts';

/** Old and new replicas at once, and what changed just before. */
export function findInDeploys(evidence: Evidence): Finding[] {
  const { overlaps, capacity, target } = evidence;
  const pressure = pressureOf(capacity, target.limits);
  const shown = overlaps.filter(({ certain }) => certain || pressure !== 'none');
  return [
    ...shown.map((overlap): Finding => ({
      ...describeDeploy(overlap),
      severity: pressure === 'none' ? 'info' : 'warning',
    })),
    ...changed(evidence),
  ];
}

function describeDeploy({ service, older, newer, certain }: Overlap): Omit<Finding, 'severity'> {
  const names = older.slice(0, 5).map(({ name }) => cleanUntrusted(name, 60));
  return {
    id: 'deploy-overlap',
    summary: `${count(older.length, 'old replica')} and ${count(newer.length, 'new replica')} of ${service} run at once, each with pools of its own.`,
    figure: { value: older.length + newer.length, unit: 'replicas' },
    evidence: [
      certain
        ? 'Their images or names differ: a deploy that is not over.'
        : 'They started minutes apart: a deploy that is not over, or more replicas on purpose.',
      ...[...older, ...newer].slice(0, 10).map(began),
    ],
    fix: `Wait for the deploy to end, or end it: docker stop ${names.join(' ')}. Change no pool until then.`,
  };
}

function began({ name, startedAt, imageId }: ReplicaReading): string {
  const image = imageId === undefined ? '' : `, image ${imageId}`;
  return cleanUntrusted(`${name}: started ${startedAt ?? 'at an unknown time'}${image}`, 200);
}

function changed({ snapshot }: Evidence): Finding[] {
  const changes = snapshot.changes ?? [];
  if (changes.length === 0) return [];
  const services = list([...new Set(changes.map(({ service }) => service))]);
  return [
    {
      id: 'recent-changes',
      severity: 'info',
      summary: `What changed in the last hour: ${services}.`,
      figure: { value: changes.length, unit: 'changes' },
      evidence: changes.map((change) => {
        const age = (Date.parse(snapshot.takenAt) - Date.parse(change.at)) / 1_000;
        return `${durationOfSeconds(Math.max(0, age))} ago: ${describeChange(change)}`;
      }),
    },
  ];
}

/** `backend: other values of DATABASE_POOL_SIZE.` Never a value. */
export function describeChange(change: Change): string {
  const { service, kind, from = '', to = '', names = [] } = change;
  switch (kind) {
    case 'image':
      return `${service}: another image, ${cleanUntrusted(to, 20)} after ${cleanUntrusted(from, 20)}.`;
    case 'variables':
      return `${service}: other values of ${cleanUntrusted(list(names), 500)}.`;
    case 'replicas':
      return `${service}: ${to} replicas after ${from}.`;
    case 'started':
    default:
      return `${service}: ${to} of its replicas started.`;
  }
}
