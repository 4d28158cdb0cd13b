import { expect, test } from 'vitest';
import { gatherEvidence } from '../../../src/runbook/diagnose/evidence.ts';
import { findAll } from '../../../src/runbook/diagnose/diagnose.ts';
import type { Snapshot } from '../../../src/runbook/snapshot/snapshot.ts';
import type { Target } from '../../../src/runbook/snapshot/target.ts';
import { recordAnswer } from '../../record/recorded.ts';
import {
  aPool,
  aReading,
  aReplica,
  aServiceReading,
  aSnapshot,
  aSource,
  aTarget,
  aWaiter,
  lines,
  locksOf,
  sessions,
} from './builders.ts';

function findingsOf(snapshot: Snapshot, target: Target): ReturnType<typeof findAll> {
  return recordAnswer('findings', findAll(gatherEvidence({ snapshot, target, recent: [] })));
}

test("no summary holds a word out of the database, a log or a container's name", () => {
  const planted = 'Zq7';
  const snapshot = aSnapshot({
    reading: aReading({
      counts: {
        clients: 95,
        idleInTransactionOverWarning: 3,
        slowQueries: 2,
        superuser: 4,
        walsenders: 1,
      },
      sources: [
        aSource({
          user: planted,
          application: planted,
          database: planted,
          client: planted,
          total: 40,
        }),
      ],
      sessions: sessions(4, () => ({
        user: planted,
        application: planted,
        query: planted,
        state: 'idle in transaction (aborted)',
        stateAgeSeconds: 9_000,
        transactionAgeSeconds: 9_000,
        superuser: true,
      })),
      locks: locksOf([aWaiter(2, [0], { prepared: [planted], relation: planted })]),
      prepared: [{ gid: planted, owner: planted, database: planted, ageSeconds: 9_000 }],
      connectionLimits: [{ kind: 'role', name: planted, limit: 10, used: 10 }],
      standbys: [{ application: planted, state: planted, replayLagSeconds: 1 }],
    }),
    logs: [
      { ...lines('deadlock'), example: planted },
      { ...lines('pool-timeout'), example: planted },
    ],
    pools: [aPool({ name: planted, utilisation: 1, checkedOut: 15 })],
    services: {
      services: [aServiceReading({ replicas: [aReplica({ name: planted, health: 'unhealthy' })] })],
    },
  });
  const target = aTarget({ applicationRoles: [planted] });
  const found = findingsOf(snapshot, { ...target, applicationRoles: [] });
  expect(found.length).toBeGreaterThan(10);
  expect(found.filter(({ summary }) => summary.includes(planted))).toEqual([]);
});
