import { expect, test } from 'vitest';
import { checkTarget } from '../../src/runbook/diagnose/doctor.ts';
import type { Check } from '../../src/runbook/diagnose/doctor.ts';
import {
  aPool,
  aProblem,
  aReading,
  aReplica,
  aServiceReading,
  aSource,
  aSnapshot,
  aTarget,
  refused,
} from './diagnose/builders.ts';
import { faultsOfText } from '../support/plain-english.ts';
import { recordAnswer } from '../record/recorded.ts';

type Parts = Parameters<typeof aSnapshot>[0];
const allowed = { state: 'allowed' } as const;
const permitted = {
  read: allowed,
  restart: allowed,
  exec: allowed,
  recreate: allowed,
  server: allowed,
};

function checksOf(
  parts: Parts,
  permissions?: Parameters<typeof checkTarget>[0]['permissions'],
  more: Partial<Pick<Parameters<typeof checkTarget>[0], 'target' | 'trials'>> = {},
): Check[] {
  const snapshot = aSnapshot(parts);
  const checks = checkTarget({ snapshot, target: aTarget(), permissions, ...more });
  const said = checks.map(({ summary, fix = '' }) => `${summary}\n${fix}`);
  expect(said.flatMap(faultsOfText)).toEqual([]);
  return recordAnswer('doctor', checks);
}

function worst(checks: readonly Check[]): readonly Check[] {
  return checks.filter(({ state }) => state === 'missing' || state === 'warning');
}

const aRole = { monitor: true, signals: true, reserved: true, version: 150_018 };
const seen = { services: [aServiceReading({ replicas: [aReplica()] })] };
const wellEquipped = aReading({
  capacity: { maxConnections: 100, superuserReserved: 3, reserved: 2, providerReserved: 0 },
  visibility: {
    monitor: true,
    role: 'dbconn',
    roleSuperuser: false,
    canSignal: true,
    canUseReserved: true,
    roleConnectionLimit: 3,
  },
});

test('an installation that has everything hears nothing bad', () => {
  const checks = checksOf({ reading: wellEquipped, services: seen }, permitted);
  expect(worst(checks)).toEqual([]);
  expect(checks.map(({ summary }) => summary)).toContain(
    'dbconn may restart containers (option C).',
  );
});

test('a role that cannot see others gets the GRANT, its name quoted', () => {
  const visibility = { ...wellEquipped.visibility, monitor: false, role: 'odd"name' };
  const [check] = worst(checksOf({ reading: { ...wellEquipped, visibility }, services: seen }));
  expect(check?.fix).toBe('GRANT pg_monitor TO "odd""name";');
});

test('without the reserved slots the lifeline is a warning, from PostgreSQL 16 on', () => {
  const visibility = { ...wellEquipped.visibility, canUseReserved: false };
  const later = worst(checksOf({ reading: { ...wellEquipped, visibility }, services: seen }));
  expect(later.map(({ subject }) => subject)).toEqual(['Lifeline']);
  const earlier = { ...wellEquipped, visibility, version: 150_018 };
  expect(worst(checksOf({ reading: earlier, services: seen }))).toEqual([]);
});

test.for([
  [true, 0, 'Set reserved_connections = 2 and restart PostgreSQL.'],
  [false, 2, 'GRANT pg_use_reserved_connections TO "dbconn";'],
] as const)('of the two only what lacks is asked for', ([canUseReserved, reserved, fix]) => {
  const visibility = { ...wellEquipped.visibility, canUseReserved };
  const capacity = { ...wellEquipped.capacity, reserved };
  const reading = { ...wellEquipped, visibility, capacity };
  expect(worst(checksOf({ reading, services: seen }))[0]?.fix).toBe(fix);
});

test('an unreachable database says what happened and what to do', () => {
  const checks = checksOf({ reading: null, reach: refused('auth'), services: seen });
  const problems = worst(checks).filter(({ subject }) => subject === 'PostgreSQL');
  expect(problems).toHaveLength(1);
  expect(problems[0]?.fix).not.toBe('');
  expect(problems[0]?.stops).toContain('A');
});

test('a proxy that refuses restarts is told, and is no fault', () => {
  const problem = aProblem('forbidden', 'Allow POST /containers/*/restart.');
  const checks = checksOf(
    { reading: wellEquipped, services: seen },
    { ...permitted, restart: { state: 'refused', problem } },
  );
  expect(worst(checks)).toEqual([]);
  expect(checks).toContainEqual({
    subject: 'Docker',
    state: 'off',
    summary: problem.summary,
    fix: problem.fix,
    stops: ['C'],
  });
});

test('a missing Docker socket is missing, an absent compose project is only off', () => {
  const missing = checksOf({ reading: wellEquipped, services: aProblem('missing', 'Mount it.') });
  expect(worst(missing).map(({ subject }) => subject)).toEqual(['Docker']);
  const absent = checksOf({ reading: wellEquipped, services: aProblem('not-configured') });
  expect(worst(absent)).toEqual([]);
});

test('a pool without a known ceiling asks for its maximum overflow', () => {
  const pools = [aPool({ limit: null, maxOverflow: null, utilisation: null })];
  const [check] = worst(checksOf({ reading: wellEquipped, services: seen, pools }));
  expect(check?.fix).toContain('maxOverflow');
});

test('pool settings that will cost the next night are warnings with the variable to set', () => {
  const pool = { ...aReplica().pool, prePing: false };
  const services = { services: [aServiceReading({ replicas: [aReplica({ pool })] })] };
  expect(worst(checksOf({ reading: wellEquipped, services }))).toMatchObject([
    { subject: 'Pools', fix: 'Set DATABASE_POOL_PRE_PING=true.' },
  ]);
});

const asSuperuser = {
  services: seen,
  reading: {
    ...wellEquipped,
    sources: [aSource({ user: 'postgres', total: 4 })],
    superuserRoles: [{ name: 'postgres', isBootstrap: true }],
  },
};

test('an application that logs in as a superuser is told with each command, and A and D do not run', () => {
  const [check, ...others] = worst(checksOf(asSuperuser, permitted));
  expect(others).toEqual([]);
  expect(check).toMatchObject({ subject: 'PostgreSQL', state: 'warning', stops: ['A', 'D'] });
  expect(check?.summary).toBe(
    'The application logs in as the superuser "postgres", and pg_signal_backend cannot end its sessions.',
  );
  const login = '"postgres_login"';
  for (const command of [
    `\`CREATE ROLE ${login} LOGIN PASSWORD '…';\``,
    `\`GRANT ALL ON ALL TABLES IN SCHEMA public TO ${login};\``,
    'list "postgres" in applicationRoles, and set actingUrl to a superuser',
  ]) {
    expect(check?.fix).toContain(command);
  }
});

test('where the acting role is a superuser and the role is listed, A and D run', () => {
  const rights = { ...aRole, role: 'root', superuser: true };
  const [check] = worst(
    checksOf(asSuperuser, permitted, {
      target: aTarget({ applicationRoles: ['postgres'] }),
      trials: [{ setting: 'actingUrl', ok: true, rights }],
    }),
  );
  expect(check?.summary).toContain('can take the reserved slots');
  expect(check?.stops).toBeUndefined();
});

test('without a service there is nothing to restart or resize, and doctor says what to write', () => {
  const checks = checksOf({ reading: wellEquipped, services: seen }, permitted, {
    target: aTarget({ services: [] }),
  });
  expect(checks).toContainEqual({
    subject: 'Docker',
    state: 'off',
    summary: 'No service is configured, so there is nothing to restart or resize.',
    fix: 'Name what opens the connections under services in dbconn.yml, such as `- name: backend`.',
    stops: ['C', 'E'],
  });
});
