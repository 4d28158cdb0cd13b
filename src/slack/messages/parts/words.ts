import type { Diagnosis } from '../../../runbook/diagnose/diagnosis.ts';

/** `03:04:05` of an ISO time in UTC: the time zone logs are compared in. */
export function toClock(iso: string): string {
  const at = new Date(iso);
  return Number.isNaN(at.getTime()) ? iso.slice(0, 20) : at.toISOString().slice(11, 19);
}

/** A circle for the eye; the word beside it carries the meaning. */
export const stateWords: Readonly<Record<Diagnosis['state'], { mark: string; word: string }>> = {
  fine: { mark: '🟢', word: 'Fine' },
  warning: { mark: '🟠', word: 'Warning' },
  critical: { mark: '🔴', word: 'Critical' },
  unknown: { mark: '⚪', word: 'Cannot judge' },
};

export const rungWords: Readonly<Record<Diagnosis['reach']['via'], string>> = {
  warm: 'the warm connection',
  connection: 'a new connection',
  reserved: 'a reserved slot',
  superuser: 'the superuser connection',
  exec: 'psql inside the container',
  none: 'no way at all',
};
