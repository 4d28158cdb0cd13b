import { keepCheck } from '../../../../src/runbook/incidents/kept-checks.ts';
import type { KeptCheckReason } from '../../../../src/runbook/incidents/kept-checks.ts';
import { defaultPolicy } from '../../../../src/runbook/approvals/policy.ts';
import { diagnose } from '../../../../src/runbook/diagnose/diagnose.ts';
import type {
  sealBundle,
  SealedEntry,
} from '../../../../src/runbook/reports/sealed-export/bundle.ts';
import { buildIncident } from '../../../journal/build-incident.ts';
import { bob, buildRequest } from '../../approvals/builders.ts';
import { aReading, aSnapshot, aTarget } from '../../diagnose/builders.ts';
import { optionPolicy } from '../../../support/option-policy.ts';

type Sealing = Parameters<typeof sealBundle>[0];
type Change = Partial<Omit<Sealing, 'exported'> & Sealing['exported']>;

const at = '2026-11-23T03:00:05.000Z';

/** A note that kept the evidence of a moment: `used` of 97 slots. */
export function buildExamined(seq: number, used: number, why: KeptCheckReason): SealedEntry {
  const snapshot = aSnapshot({ reading: aReading({ counts: { clients: used } }) });
  const target = {
    ...aTarget(),
    links: { dashboard: 'https://grafana.internal/d/1', guides: [] },
    contacts: { onCall: 'U0ONCALL' },
  };
  const input = { snapshot, target, recent: [{ at, used: used - 1, usable: 97 }] };
  const facts = keepCheck(why, { ...input, diagnosis: diagnose(input) });
  return toEntry(seq, 'incident-seen', { sentence: `${used} used.`, facts });
}

/** What a journal holds of an incident with two checks, a request that Bob approved, and an end. */
export async function buildSealing({
  entries,
  incidents,
  requests,
  verification,
  ...change
}: Change = {}): Promise<Sealing> {
  const votes = [{ by: bob, at: '2026-11-23T03:01:00.000Z', reason: 'go' }];
  const assigned = { sentence: '<@UBOB> has it.', by: bob, quote: 'ünï “x”' };
  return {
    exported: {
      verification: verification ?? { ok: true, entries: 6, head: 'f'.repeat(64) },
      incidents: incidents ?? [buildIncident({ state: 'resolved', version: 7 })],
      requests: requests ?? [await buildRequest({ state: 'done', votes })],
      entries: entries ?? [
        buildExamined(1, 95, 'first'),
        buildStep(2),
        toEntry(3, 'incident-assigned', assigned),
        buildStep(4),
        buildStep(5),
        buildExamined(6, 20, 'end'),
      ],
    },
    target: aTarget(),
    policy: { ...defaultPolicy, options: { A: { ...optionPolicy, approvers: [bob.id] } } },
    dbconn: '0.1.0',
    sealedAt: '2026-11-23T04:00:00.000Z',
    ...change,
  };
}

export function buildStep(seq: number): SealedEntry {
  return toEntry(seq, 'step-done', { step: 0, sentence: `step ${seq}` });
}

function toEntry(seq: number, kind: string, body: object): SealedEntry {
  return { seq, at, request: 'any', kind, body, hash: String(seq).repeat(64) };
}
