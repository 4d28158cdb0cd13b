import type {
  Diagnosis,
  Holder,
  Session,
  Source,
} from '../../../src/runbook/diagnose/diagnosis.ts';
import type { Target } from '../../../src/runbook/snapshot/target.ts';
import { defaultLimits } from '../../../src/runbook/snapshot/target.ts';

/** Values as the diagnosis makes them; a test changes what it is about. */

export function aTarget(changes: Partial<Target> = {}): Target {
  return {
    name: 'orders',
    services: [{ name: 'backend', workers: 2 }],
    applicationRoles: [],
    protectedApplications: [],
    limits: defaultLimits,
    links: {
      dashboard: 'https://grafana.example/d/postgres',
      logQuery: '{container="backend"} |= "connection"',
      guides: [{ title: 'Connection management', url: 'https://wiki.example/connections' }],
    },
    contacts: {},
    ...changes,
  };
}

export function aSource(changes: Partial<Source> = {}): Source {
  return {
    user: 'orders_app',
    application: 'backend',
    client: '172.18.0.4',
    database: 'orders',
    service: 'backend',
    kind: 'application',
    total: 80,
    active: 3,
    idle: 12,
    idleInTransaction: 65,
    idleInTransactionAborted: 0,
    ...changes,
  };
}

export function aHolder(changes: Partial<Holder> = {}): Holder {
  return {
    name: 'backend',
    service: 'backend',
    clients: 1,
    total: 80,
    active: 3,
    idle: 12,
    idleInTransaction: 65,
    idleInTransactionAborted: 0,
    ...changes,
  };
}

export function aSession(changes: Partial<Session> = {}): Session {
  return {
    pid: 4242,
    startedAt: '2026-11-23T03:00:00.123456Z',
    user: 'orders_app',
    application: 'backend',
    client: '172.18.0.4',
    database: 'orders',
    state: 'idle in transaction',
    connectionAgeSeconds: 1800,
    transactionAgeSeconds: 840,
    queryAgeSeconds: 840,
    stateAgeSeconds: 839,
    waitEventType: 'Client',
    hasWritten: true,
    superuser: false,
    query: 'UPDATE stock SET n = ? WHERE id = ?',
    fingerprint: 'f1',
    ...changes,
  };
}

/** A critical night: a leak of idle transactions, one of which holds others up. */
export function aDiagnosis(changes: Partial<Diagnosis> = {}): Diagnosis {
  return {
    target: 'orders',
    takenAt: '2026-11-23T03:04:05.678Z',
    tookMs: 83,
    state: 'critical',
    headline: '94 of 97 usable connections, full in about 4 minutes.',
    verdict: 'This looks like a connection leak: 65 sessions of backend are idle in transaction.',
    reach: { via: 'warm', rungs: [{ rung: 'warm', outcome: 'answered' }] },
    server: { version: '18.4', startedAt: '2026-11-01T00:00:00.000000Z', inRecovery: false },
    capacity: {
      maxConnections: 100,
      reserved: 3,
      usable: 97,
      used: 94,
      free: 3,
      utilisation: 0.969,
      byState: {
        active: 6,
        idle: 20,
        idleInTransaction: 65,
        idleInTransactionAborted: 2,
        starting: 1,
        other: 0,
      },
      unauthenticated: null,
      apart: { walsenders: 0, parallelWorkers: 0, autovacuumWorkers: 1 },
    },
    holders: [
      aHolder(),
      aHolder({ name: 'worker', service: null, total: 13, idleInTransaction: 0 }),
    ],
    sources: [
      aSource(),
      aSource({ application: 'worker', service: null, total: 13, idleInTransaction: 0 }),
      aSource({ application: '', service: null, client: null, user: null, total: 1 }),
    ],
    sourcesTotal: 3,
    truncated: false,
    sessions: [aSession(), aSession({ pid: 4243, application: 'worker', state: 'active' })],
    blocking: {
      waiters: [
        {
          pid: 4243,
          waitsFor: [4242],
          lock: 'transactionid ShareLock',
          relation: null,
          waitSeconds: 62,
        },
      ],
      waitersTotal: 1,
      truncated: false,
      roots: [{ pid: 4242, victims: 1 }],
      cycles: [],
    },
    deadlocks: 0,
    pools: [
      {
        service: 'backend',
        name: 'default',
        checkedOut: 14,
        size: 10,
        maxOverflow: 5,
        limit: 15,
        utilisation: 0.933,
      },
    ],
    logs: [
      {
        service: 'backend',
        container: 'shop-backend-1',
        linesRead: 200,
        classes: [
          {
            class: 'pool-timeout',
            count: 12,
            lastAt: '2026-11-23T03:03:58.000Z',
            example: 'QueuePool limit of size 10 overflow 5 reached, connection timed out',
          },
        ],
      },
    ],
    budget: {
      lines: [
        {
          service: 'backend',
          replicas: 4,
          workers: 2,
          poolSize: 10,
          maxOverflow: 5,
          mayOpen: 120,
          holds: 80,
        },
      ],
      usable: 97,
      others: 14,
      mayOpen: 134,
      canExhaust: true,
    },
    forecast: {
      connectionsPerMinute: 0.8,
      minutesUntilFull: 4,
      basis: 'recent-looks',
      reason: 'Four looks over six minutes.',
    },
    leakSuspects: [
      {
        application: 'backend',
        fingerprint: 'f1',
        query: 'UPDATE stock SET n = ? WHERE id = ?',
        sessions: 65,
        oldestSeconds: 839,
        hasWritten: 61,
      },
    ],
    findings: [
      { id: 'capacity-critical', severity: 'critical', summary: '3 slots are free.', evidence: [] },
      {
        id: 'docker-forbidden',
        severity: 'warning',
        summary: 'Docker refuses to show the containers.',
        evidence: [],
        fix: 'Mount the socket proxy with CONTAINERS=1.',
      },
    ],
    causes: [
      {
        cause: 'connection-leak',
        confidence: 0.86,
        summary: '65 sessions of backend wait after the same statement.',
        because: ['65 sessions are idle in transaction after one statement.'],
        against: ['The pool is not above its limit.'],
      },
    ],
    proposals: [
      {
        option: 'C',
        subject: 'backend',
        summary: 'Restart backend, four replicas one after another.',
        slotsFreed: 80,
        blocked: null,
      },
      {
        option: 'A',
        subject: null,
        summary: 'Terminate sessions idle in transaction for more than 10 minutes.',
        slotsFreed: 41,
        blocked: 'The role may not signal: GRANT pg_signal_backend.',
      },
    ],
    history: [
      { at: '2026-11-23T03:01:05.000Z', used: 60, usable: 97 },
      { at: '2026-11-23T03:02:05.000Z', used: 71, usable: 97 },
      { at: '2026-11-23T03:03:05.000Z', used: 83, usable: 97 },
      { at: '2026-11-23T03:04:05.000Z', used: 94, usable: 97 },
    ],
    timings: { database: 12.4, pools: 34, logs: 80.2, services: 21 },
    ...changes,
  };
}

/** A server nobody reached. */
export function anUnreachedDiagnosis(): Diagnosis {
  return aDiagnosis({
    state: 'critical',
    headline: 'PostgreSQL does not answer.',
    verdict: 'Without a check of the database no cause can be named.',
    reach: {
      via: 'none',
      error: {
        kind: 'frozen',
        summary: 'PostgreSQL accepts connections but answers none of them.',
        fix: 'See whether the container is paused: docker compose ps.',
      },
      rungs: [
        { rung: 'warm', outcome: 'no answer in 2 s' },
        { rung: 'connection', outcome: 'no answer in 1 s' },
      ],
    },
    findings: [
      {
        id: 'server-frozen',
        severity: 'critical',
        summary: 'PostgreSQL accepts connections but answers none of them.',
        evidence: ['warm: no answer in 2 s'],
        fix: 'See whether the container is paused: docker compose ps.',
      },
    ],
    server: null,
    capacity: null,
    sources: [],
    sourcesTotal: 0,
    sessions: [],
    blocking: { waiters: [], waitersTotal: 0, truncated: false, roots: [], cycles: [] },
    leakSuspects: [],
    causes: [],
    proposals: [],
    history: [],
  });
}
