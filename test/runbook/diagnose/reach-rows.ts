import type { Severity } from '../../../src/runbook/diagnose/diagnosis.ts';
import type { SnapshotParts } from './builders.ts';
import { aReading, refused } from './builders.ts';

type Refused = Parameters<typeof refused>;

/** Nothing could be read, for this reason. */
function unread(...[kind, more]: Refused): SnapshotParts {
  return { reading: null, reach: refused(kind, more) };
}

/** What each way of reaching PostgreSQL badly, or not, is called, and how bad it is. */
export const reachRows: readonly (readonly [string, Severity, SnapshotParts])[] = [
  ['server-full', 'critical', unread('full', { scope: 'server' })],
  ['role-full', 'warning', unread('full', { scope: 'role' })],
  ['database-full', 'critical', unread('full', { scope: 'database' })],
  ['pooler-full', 'critical', unread('full', { scope: 'pooler' })],
  ['server-frozen', 'critical', unread('frozen')],
  [
    'session-frozen',
    'info',
    { reach: { ...refused('frozen', { detail: 'backend' }), via: 'connection' } },
  ],
  ['server-slow', 'critical', unread('slow', { detail: 'login' })],
  ['server-slow', 'critical', unread('slow', { detail: 'statement' })],
  ['server-slow', 'critical', unread('slow', { detail: 'catalog' })],
  ['server-stopped', 'critical', unread('stopped')],
  ['server-stopped', 'critical', unread('stopped', { detail: 'shutting-down' })],
  ['server-starting', 'critical', unread('stopped', { detail: 'starting' })],
  ['server-not-accepting', 'critical', unread('stopped', { detail: 'not-accepting' })],
  ['login-refused', 'warning', unread('auth')],
  ['privilege-missing', 'warning', unread('privilege')],
  ['server-error', 'warning', unread('server-error', { sqlstate: '22021' })],
  ['server-unreachable', 'warning', unread('network')],
  ['login-slow', 'info', { reach: { via: 'connection', rungs: [], loginMs: 2_300 } }],
  [
    'connection-churn',
    'warning',
    { reading: aReading({ turnover: { seconds: 2, began: 90, ended: 88, passed: 85 } }) },
  ],
];
