import { expect, test } from 'vitest';
import { diagnose } from '../../../src/runbook/diagnose/diagnose.ts';
import type { Diagnosis } from '../../../src/runbook/diagnose/diagnosis.ts';
import type { DatabaseReading } from '../../../src/runbook/snapshot/snapshot.ts';
import type { Target } from '../../../src/runbook/snapshot/target.ts';
import { aReading, aService, aSnapshot, aSource, aTarget } from './builders.ts';

/** What the looking role may not see, and what the application's role may too much. */
function diagnosisOf(overrides: Parameters<typeof aReading>[0]): Diagnosis {
  const reading: DatabaseReading = aReading(overrides);
  return diagnose({ snapshot: aSnapshot({ reading, pools: [] }), target: aTarget(), recent: [] });
}

test('without pg_monitor what is seen is enough to say that it is full', () => {
  const { state, headline, findings } = diagnosisOf({
    counts: { clients: 95, hidden: 9 },
    visibility: { ...aReading().visibility, monitor: false },
  });
  expect(state).toBe('critical');
  expect(headline).toBe('At least 95 of 97 usable connections.');
  expect(findings[0]?.id).toBe('capacity-critical');
  expect(findings[0]?.summary).toBe(
    'At least 95 of 97 usable connections are taken (98%), at most 2 free.',
  );
});

test('a superuser application is told how each of its roles becomes an ordinary one', () => {
  const { findings } = diagnosisOf({
    counts: { superuser: 8 },
    sources: [
      aSource({ user: 'kiosk', total: 5 }),
      aSource({ user: 'postgres', total: 2 }),
      aSource({ user: 'kiosk', application: 'psql', total: 1 }),
    ],
    superuserRoles: [
      { name: 'postgres', isBootstrap: true },
      { name: 'kiosk', isBootstrap: false },
    ],
  });
  const found = findings.find(({ id }) => id === 'superuser-application');
  expect(found).toMatchObject({ severity: 'warning', figure: { value: 7 } });
  expect(found?.fix).toContain('ALTER ROLE "kiosk" NOSUPERUSER;');
  expect(found?.fix).toContain('CREATE ROLE "postgres_login" LOGIN');
  expect(found?.fix).not.toContain('ALTER ROLE "postgres"');
});

test('a superuser application that holds reserved slots is critical', () => {
  const { findings } = diagnosisOf({
    counts: { clients: 99, superuser: 90 },
    sources: [aSource({ user: 'kiosk', total: 90 })],
    superuserRoles: [{ name: 'kiosk', isBootstrap: false }],
  });
  expect(findings.find(({ id }) => id === 'superuser-application')?.severity).toBe('critical');
});

test('where no service is configured, the sessions of one superuser are an application all the same', () => {
  const scene = {
    counts: { superuser: 33 },
    sources: [aSource({ user: 'postgres', application: 'shop', client: '10.9.9.9', total: 33 })],
    superuserRoles: [{ name: 'postgres', isBootstrap: true }],
  };
  const ids = (services: Target['services']): readonly string[] =>
    diagnose({
      snapshot: aSnapshot({ reading: aReading(scene) }),
      target: aTarget({ services }),
      recent: [],
    }).findings.map(({ id }) => id);
  expect(ids([])).toContain('superuser-application');
  expect(ids([aService({ name: 'web' })])).toContain('superuser-sessions');
});
