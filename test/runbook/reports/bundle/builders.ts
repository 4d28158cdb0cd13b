import { keepCheck } from '../../../../src/runbook/incidents/kept-checks.ts';
import type { KeptCheckReason } from '../../../../src/runbook/incidents/kept-checks.ts';
import type { KeptNote } from '../../../../src/runbook/incidents/incident-log.ts';
import { defaultPolicy } from '../../../../src/runbook/approvals/policy.ts';
import { diagnose } from '../../../../src/runbook/diagnose/diagnose.ts';
import type {
  SealedEntry,
  sealBundle,
} from '../../../../src/runbook/reports/sealed-export/seal.ts';
import { buildIncident } from '../../../journal/build-incident.ts';
import { bob, buildRequest } from '../../approvals/builders.ts';
import { aReading, aSnapshot, aTarget } from '../../diagnose/builders.ts';

export type Sealing = Parameters<typeof sealBundle>[0];

const at = '2026-11-23T03:00:05.000Z';

/** A note that kept the evidence of a moment: `used` of 97 slots. */
export function buildExamined(seq: number, used: number, why: KeptCheckReason): KeptNote {
  const snapshot = aSnapshot({ reading: aReading({ counts: { clients: used } }) });
  const target = {
    ...aTarget(),
    links: { dashboard: 'https://grafana.internal/d/1', guides: [] },
    contacts: { onCall: 'U0ONCALL' },
  };
  const input = { snapshot, target, recent: [{ at, used: used - 1, usable: 97 }] };
  const facts = keepCheck(why, { ...input, diagnosis: diagnose(input) });
  return { kind: 'incident-seen', sentence: `${used} used.`, seq, at, ...(facts && { facts }) };
}

/** What a journal holds of an incident with two looks, a request that Bob approved, and an end. */
export async function buildSealing(change: Partial<Sealing> = {}): Promise<Sealing> {
  const approvers = [bob.id];
  const votes = [{ by: bob, at: '2026-11-23T03:01:00.000Z', reason: 'go' }];
  const request = await buildRequest({ state: 'done', votes });
  const notes: KeptNote[] = [
    buildExamined(1, 95, 'first'),
    {
      kind: 'incident-assigned',
      sentence: '<@UBOB> has it.',
      by: bob,
      quote: 'ünï “x”',
      seq: 3,
      at,
    },
    buildExamined(6, 20, 'end'),
  ];
  return {
    incident: buildIncident({ state: 'resolved', version: 7 }),
    target: aTarget(),
    policy: {
      ...defaultPolicy,
      options: {
        A: {
          proposers: [],
          approvers,
          votes: 1,
          clusterWideVotes: 1,
          proposerMayVote: false,
          reasonRequired: false,
          cooldownMs: 0,
        },
      },
    },
    notes,
    requests: [request],
    entries: [1, 2, 3, 4, 5, 6].map((seq) => toEntry(seq, request.id)),
    journal: { seq: 6, hash: 'f'.repeat(64), problem: null },
    dbconn: '0.1.0',
    sealedAt: '2026-11-23T04:00:00.000Z',
    ...change,
  };
}

function toEntry(seq: number, request: string): SealedEntry {
  const body = { step: 0, sentence: `step ${seq}` };
  return { seq, at, request, kind: 'step-done', body, hash: String(seq).repeat(64) };
}
