import { count } from '../../snapshot/words.ts';
import type { PlanDraft, SettingTarget } from '../plan.ts';
import type { MaxConnectionsReading } from './ports.ts';
import type { PreflightInput } from './preflight.ts';
import { estimateMemory, memorySentences } from './preflight.ts';

/** What a step is, for `recover`: plans with and without a host have different ones. */
type Part = 'copy' | 'alter' | 'checkpoint' | 'restart' | 'check' | 'clean';

const withHost = ['copy', 'alter', 'checkpoint', 'restart', 'check', 'clean'] as const;

/** The number of a part among the plan's steps. */
export function stepOf(part: Part, hasHost: boolean): number {
  return hasHost ? withHost.indexOf(part) : 0;
}

export function draftRaise(target: string, flight: PreflightInput): PlanDraft {
  const { reading, serverHost, to } = flight;
  const { inForce } = reading;
  const verb = to > inForce ? 'Raise' : 'Lower';
  const restarts = serverHost === undefined ? ', restart by hand' : ' with a restart';
  return {
    option: 'B',
    target,
    ask: { kind: 'raise-max-connections', to },
    title: `${verb} max_connections from ${inForce} to ${to}${restarts}`,
    subject: null,
    targets: [toTarget(reading, to)],
    skipped: [],
    skippedTotal: 0,
    cost: costs(flight),
    frees: { slots: Math.max(0, to - inForce), sentence: freed(reading, to) },
    undo: `Set it back to ${inForce}, with another restart.`,
    undoAsk: { kind: 'raise-max-connections', to: inForce },
    steps: steps(flight),
    risk: 'high',
  };
}

/** Where the files beneath say the same anyway, the line is taken out: they rule again. */
export function toTarget(reading: MaxConnectionsReading, to: number): SettingTarget {
  const { auto, beneath, inForce, source } = reading;
  return {
    kind: 'setting',
    name: 'max_connections',
    role: null,
    from: auto === null ? null : String(auto),
    to: beneath === to ? null : String(to),
    inForce: String(inForce),
    source,
  };
}

function freed({ slots, inForce }: MaxConnectionsReading, to: number): string {
  const usable = (all: number): number => all - slots.superuserReserved - slots.reserved;
  const change =
    to > inForce
      ? `Adds ${count(to - inForce, 'connection')}`
      : `Removes ${count(inForce - to, 'connection')}`;
  return `${change}: ordinary roles can use ${usable(to)} instead of ${usable(inForce)}. A leak fills those too.`;
}

function costs({ reading, serverHost, to }: PreflightInput): string[] {
  const { sessions, otherPending, absentStandbys, pendingRestart, inForce } = reading;
  return [
    `${count(sessions.clients, 'session is', 'sessions are')} disconnected, and ${count(sessions.inTransaction, 'open transaction is', 'open transactions are')} lost.`,
    serverHost === undefined
      ? 'Nothing changes until somebody restarts PostgreSQL.'
      : 'PostgreSQL is down for seconds, or longer if much is left to write. A CHECKPOINT runs first.',
    ...memorySentences(estimateMemory(reading, to), to, serverHost),
    ...(pendingRestart
      ? ['An earlier change of max_connections waits for a restart. This replaces it.']
      : []),
    ...(otherPending.length > 0
      ? [`These settings take effect with the same restart: ${otherPending.join(', ')}.`]
      : []),
    ...(absentStandbys > 0 && to > inForce
      ? [
          `${count(absentStandbys, 'replication slot belongs', 'replication slots belong')} to a disconnected standby. With a lower value it stops replaying when it returns.`,
        ]
      : []),
    ...(reading.memory.sharedBytes === null && serverHost?.memoryBytes == null
      ? ['The available memory could not be read.']
      : []),
  ];
}

function steps({ reading, serverHost, to }: PreflightInput): string[] {
  const isReset = reading.beneath === to;
  const alter = isReset
    ? 'ALTER SYSTEM RESET max_connections'
    : `ALTER SYSTEM SET max_connections = ${to}`;
  if (serverHost === undefined) return [alter];
  return [
    'Keep a copy of postgresql.auto.conf',
    alter,
    'Run CHECKPOINT, so that the shutdown is fast',
    `Restart ${serverHost.name} and wait until it accepts connections`,
    'Check the new value, and that the applications reconnected',
    'Remove the copy',
  ];
}
