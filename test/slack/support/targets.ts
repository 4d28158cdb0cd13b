import type { PlanTarget } from '../../../src/runbook/remedies/plan.ts';
import { buildSession } from '../../runbook/approvals/builders.ts';

const at = '2026-11-23T02:00:00.123456Z';

/** A target of every kind, with this text wherever a database, a role or a container has the say. */
export function targetsOfEveryKind(text: string): readonly PlanTarget[] {
  const session = buildSession(101);
  return [
    {
      ...session,
      identity: { ...session.identity, user: text, application: text },
      client: text,
      database: text,
      query: text,
    },
    {
      kind: 'blocker',
      identity: {
        pid: 4242,
        startedAt: at,
        user: text,
        application: text,
        state: 'active',
        stateChangedAt: at,
        transactionStartedAt: at,
        queryStartedAt: at,
      },
      how: 'cancel-then-terminate',
      queued: true,
      victims: 7,
      waiters: [{ pid: 4243, startedAt: at }],
      client: text,
      database: text,
      transactionAgeSeconds: 400,
      hasWritten: true,
      locksHeld: 3,
      query: text,
    },
    {
      kind: 'prepared',
      gid: text,
      owner: text,
      database: text,
      preparedAt: at,
      transaction: '712',
      ageSeconds: 90_000,
      victims: 4,
      locksHeld: 9,
    },
    {
      kind: 'setting',
      name: 'idle_session_timeout',
      role: text,
      from: null,
      to: text,
      inForce: text,
      source: 'configuration file',
    },
    {
      kind: 'pool',
      service: 'backend',
      from: null,
      to: { poolSize: 10, maxOverflow: 5 },
      processes: 4,
      variables: { size: 'DATABASE_POOL_SIZE', overflow: 'DATABASE_MAX_OVERFLOW' },
      file: '.env',
      envSha256: null,
    },
    {
      kind: 'replica',
      id: 'f00',
      name: text,
      number: 1,
      startedAt: at,
      state: 'running',
      health: 'healthy',
      connections: null,
    },
  ];
}
