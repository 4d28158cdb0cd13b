import { hashPlan } from '../../../src/runbook/remedies/plan.ts';
import type { Plan, SessionTarget } from '../../../src/runbook/remedies/plan.ts';
import type { Actor, ApprovalRequest } from '../../../src/runbook/approvals/request.ts';

export const ann: Actor = { id: 'UANN', via: 'slack' };
export const bob: Actor = { id: 'UBOB', via: 'slack' };
export const cem: Actor = { id: 'UCEM', via: 'slack' };
export const stranger: Actor = { id: 'USTRANGER', via: 'slack' };

export function buildSession(pid: number): SessionTarget {
  return {
    kind: 'session',
    identity: {
      pid,
      startedAt: '2026-11-23T02:00:00.123456Z',
      user: 'app',
      application: 'backend',
      state: 'idle in transaction',
      stateChangedAt: '2026-11-23T02:30:00.654321Z',
      transactionStartedAt: '2026-11-23T02:29:59.000001Z',
    },
    client: '10.0.0.7',
    database: 'shop',
    idleSeconds: 1800,
    transactionAgeSeconds: 1801,
    hasWritten: false,
    locksHeld: 2,
    query: 'SELECT ?',
  };
}

export function buildPlan(change: Partial<Plan> = {}): Plan {
  return {
    option: 'A',
    target: 'shop',
    ask: { kind: 'idle-in-transaction', idleForMs: 600_000 },
    title: 'End 2 sessions idle in transaction for over 10 min',
    subject: null,
    targets: [buildSession(101), buildSession(102)],
    skipped: [],
    skippedTotal: 0,
    cost: [],
    frees: { slots: 2, sentence: 'Frees 2 slots.' },
    undo: 'None.',
    undoAsk: null,
    steps: ['End 2 sessions'],
    risk: 'low',
    policyVersion: 'v',
    plannedAt: '2026-11-23T03:00:00.000Z',
    ...change,
  };
}

/** What makes a plan one that a person runs. */
export const byHand: NonNullable<Plan['byHand']> = {
  why: 'No acting role is configured.',
  place: {
    server: 'other',
    services: 'other',
    names: {
      project: null,
      server: null,
      namespace: null,
      parameterGroup: null,
      resourceGroup: null,
    },
  },
  notes: [],
  edit: null,
};

export async function buildRequest(
  change: Partial<ApprovalRequest> = {},
): Promise<ApprovalRequest> {
  const plan = change.plan ?? buildPlan();
  return {
    id: 'r1',
    version: 1,
    state: 'proposed',
    target: plan.target,
    option: plan.option,
    ask: plan.ask,
    plan,
    hash: await hashPlan(plan),
    proposedBy: ann,
    proposedAt: '2026-11-23T03:00:00.000Z',
    expiresAt: '2026-11-23T03:15:00.000Z',
    votesNeeded: 1,
    votes: [],
    supersedes: null,
    undoes: null,
    brokenGlass: null,
    handOff: null,
    closing: null,
    execution: null,
    result: null,
    ...change,
  };
}
