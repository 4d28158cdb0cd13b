import { expect, test } from 'vitest';
import { diagnose } from '../../src/runbook/diagnose/diagnose.ts';
import type { Diagnosis, Proposal } from '../../src/runbook/diagnose/diagnosis.ts';
import { renderByHand } from '../../src/terminal/render/by-hand.ts';
import { aReading, aSession, aSnapshot, aTarget } from '../runbook/diagnose/builders.ts';
import { plain } from './plain.ts';

const target = aTarget({ protectedApplications: ['pg_dump'] });
const idle = {
  state: 'idle in transaction',
  stateAgeSeconds: 3600,
  transactionAgeSeconds: 3600,
} as const;

function aDiagnosis(proposals: readonly Proposal[]): Diagnosis {
  const sessions = [
    aSession({ ...idle, pid: 11 }),
    aSession({ ...idle, pid: 12, stateAgeSeconds: 5 }),
    aSession({ ...idle, pid: 13, application: 'pg_dump' }),
    aSession({ ...idle, pid: 14, superuser: true }),
    aSession({ pid: 21, state: 'active', queryAgeSeconds: 3600, waitEventType: null }),
    aSession({ pid: 22, state: 'active', queryAgeSeconds: 3600, waitEventType: 'Client' }),
    aSession({ pid: 23, state: 'active', queryAgeSeconds: 1, waitEventType: null }),
  ];
  const snapshot = aSnapshot({ reading: aReading({ sessions }) });
  return { ...diagnose({ snapshot, target, recent: [] }), proposals: [...proposals] };
}

function aProposal(option: Proposal['option'], change: Partial<Proposal> = {}): Proposal {
  return {
    option,
    subject: null,
    summary: 'It helps.',
    slotsFreed: null,
    blocked: null,
    ...change,
  };
}

function say(...proposals: readonly Proposal[]): string {
  return renderByHand(aDiagnosis(proposals), { target, connection: '"$DATABASE_URL"' }, plain);
}

test('option A ends only what is idle for long enough, and nothing that a plan would skip', () => {
  const text = say(aProposal('A', { command: 'propose A' }));
  expect(text).toContain('A  psql "$DATABASE_URL" -X -c "SELECT pid, pg_terminate_backend(pid)');
  expect(text).toContain('pid IN (11) AND');
  expect(text).toMatch(
    /state LIKE 'idle in transaction%' AND state_change < now\(\) - interval '\d+ s'/,
  );
});

test('option D cancels a root blocker that runs, ends one that does not, and only while it blocks', () => {
  const idleRoot = say(aProposal('D', { subject: '11', command: 'propose D' }));
  expect(idleRoot).toContain('pg_terminate_backend(pid)');
  expect(idleRoot).toMatch(/pid IN \(11\) AND backend_start = '[^']+' AND EXISTS/);
  expect(say(aProposal('D', { subject: '21', command: 'propose D' }))).toContain(
    'pg_cancel_backend',
  );
  expect(say(aProposal('D', { subject: '99', command: 'propose D' }))).toBe('');
});

test('option D slow cancels what a cancel reaches', () => {
  const text = say(aProposal('D', { command: 'propose D slow' }));
  expect(text).toContain(
    "pg_cancel_backend(pid) FROM pg_stat_activity a WHERE pid IN (21) AND state = 'active'",
  );
});

test('B and C have their own commands, and what cannot be proposed has none', () => {
  expect(say(aProposal('B', { command: 'propose B 150' }))).toContain('max_connections = 150');
  expect(say(aProposal('C'))).toContain('C  docker compose restart SERVICE');
  expect(say(aProposal('D', { subject: '11' }), aProposal('A'))).toBe('');
});
