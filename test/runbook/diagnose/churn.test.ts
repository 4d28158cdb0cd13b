import { expect, test } from 'vitest';
import { gatherEvidence } from '../../../src/runbook/diagnose/evidence.ts';
import { findAll } from '../../../src/runbook/diagnose/diagnose.ts';
import type { TurnoverReading } from '../../../src/runbook/snapshot/snapshot.ts';
import { aReading, aSnapshot, aTarget, restartPids } from './builders.ts';

restartPids();

function isNamed(turnover: TurnoverReading): boolean {
  const snapshot = aSnapshot({ reading: aReading({ turnover, counts: { clients: 30 } }) });
  const findings = findAll(gatherEvidence({ snapshot, target: aTarget(), recent: [] }));
  return findings.some(({ id }) => id === 'connection-churn');
}

test.each<[string, TurnoverReading]>([
  ['a service that was restarted', { seconds: 2, began: 26, ended: 27, passed: 0 }],
  ['a crowd that came', { seconds: 0.3, began: 40, ended: 0, passed: 0 }],
  ['a service that was stopped', { seconds: 2, began: 0, ended: 60, passed: 0 }],
  ['a health probe', { seconds: 0.3, began: 2, ended: 2, passed: 2 }],
])('%s is no churn', (_, turnover) => {
  expect(isNamed(turnover)).toBe(false);
});

test.each<[string, TurnoverReading]>([
  ['over some time', { seconds: 15, began: 200, ended: 200, passed: 180 }],
  ['within a moment', { seconds: 0.3, began: 9, ended: 8, passed: 6 }],
])('sessions that begin and end are churn, seen %s', (_, turnover) => {
  expect(isNamed(turnover)).toBe(true);
});
