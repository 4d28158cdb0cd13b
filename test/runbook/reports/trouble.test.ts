import { expect, test } from 'vitest';
import { diagnose } from '../../../src/runbook/diagnose/diagnose.ts';
import type { CauseName } from '../../../src/runbook/diagnose/diagnosis.ts';
import { CauseName as Causes } from '../../../src/runbook/diagnose/diagnosis.ts';
import { isTrouble, troubles } from '../../../src/runbook/diagnose/diagnosis-parts.ts';
import type { Trouble } from '../../../src/runbook/diagnose/diagnosis-parts.ts';
import { adviseByCause } from '../../../src/runbook/reports/advice/advise.ts';
import { toMarkdown } from '../../../src/runbook/reports/to-markdown.ts';
import { writeReport } from '../../../src/runbook/reports/write-report.ts';
import { reportMessage } from '../../../src/slack/messages/report.ts';
import { buildIncident } from '../../journal/build-incident.ts';
import { aReading, aSession, aSnapshot, aTarget } from '../diagnose/builders.ts';

/** An incident that is none of the runbook's six. */
function reportOfCommits(): ReturnType<typeof writeReport> {
  const target = aTarget();
  const commit = aSession({ state: 'active', waitEvent: 'SyncRep', stateAgeSeconds: 40 });
  const snapshot = aSnapshot({
    reading: aReading({ counts: { clients: 30, committing: 20 }, sessions: [commit] }),
  });
  const examination = {
    snapshot,
    target,
    recent: [],
    diagnosis: diagnose({ snapshot, target, recent: [] }),
  };
  const at = '2026-11-23T03:00:00.000Z';
  const note = {
    kind: 'incident-seen' as const,
    sentence: null,
    seq: 1,
    at,
    facts: { examination },
  };
  return writeReport({ incident: buildIncident(), notes: [note], requests: [], target });
}

test('is named in the title, the file and the message of its report', () => {
  const report = reportOfCommits();
  expect(report.cause).toBeNull();
  expect(report.title).toContain('replication wait');
  expect(toMarkdown(report)).toContain('Replication wait: ');
  expect(JSON.stringify(reportMessage(report))).toContain('Cause: replication wait');
});

test('is told what would have prevented it', () => {
  const { prevention } = reportOfCommits();
  expect(prevention.map(({ setting }) => setting)).toContain('synchronous_standby_names');
});

const all: readonly (CauseName | Trouble)[] = [
  ...Causes.options,
  ...Object.keys(troubles).filter(isTrouble),
];

test.each(all)('%s has advice of its own, and not a second time', (cause) => {
  const advice = adviseByCause(cause, []);
  expect(advice).toHaveLength(1);
  expect(adviseByCause(cause, advice)).toEqual([]);
});
