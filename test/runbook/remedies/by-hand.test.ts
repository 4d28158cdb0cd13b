import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { toHandOffs } from '../../../src/app/target-remedies.ts';
import type { RemedyRequest } from '../../../src/runbook/remedies/remedy-request.ts';
import { commandsOf } from '../../../src/runbook/remedies/by-hand/commands.ts';
import type { Commands } from '../../../src/runbook/remedies/by-hand/hand-off.ts';
import { placeOf } from '../../../src/runbook/remedies/by-hand/hand-off.ts';
import { isSafeName, shellWord } from '../../../src/runbook/remedies/by-hand/psql.ts';
import { actionOf } from '../../../src/runbook/remedies/remedy-request.ts';
import type { Plan, PlanDraft, SettingTarget } from '../../../src/runbook/remedies/plan.ts';
import type { Answer } from '../../../src/runbook/remedies/remedy.ts';
import type { Target } from '../../../src/runbook/snapshot/target.ts';
import { buildPlan, byHand } from '../approvals/builders.ts';
import { aReading, aService, aSnapshot, aTarget } from '../diagnose/builders.ts';

/** Commands for every place and option, as a person gets them. */
const until = '2026-11-23T03:15:00.000Z';
const maxConnections: SettingTarget = {
  kind: 'setting',
  name: 'max_connections',
  role: null,
  from: null,
  to: '150',
  inForce: '100',
  source: 'configuration file',
};
const service = { kind: 'service', name: 'reports', connections: 31 } as const;
const pool = {
  kind: 'pool',
  service: 'reports',
  from: { poolSize: 8, maxOverflow: 4 },
  to: { poolSize: 4, maxOverflow: 2 },
  processes: 2,
  variables: { size: 'DATABASE_POOL_SIZE', overflow: 'DATABASE_MAX_OVERFLOW' },
  file: '',
  envSha256: null,
} as const;

function on(runtime: Target['runtime'], more: Partial<Target> = {}): Plan['byHand'] {
  const target = aTarget({ ...(runtime !== undefined && { runtime }), ...more });
  return { ...byHand, place: placeOf(target, aReading()) };
}

function shown(ask: RemedyRequest, targets: Plan['targets'], place: Plan['byHand']): Commands {
  const plan = buildPlan({ option: actionOf(ask), ask, targets });
  return commandsOf(plan, place ?? byHand, until);
}

const compose = { composeProject: 'shop', postgresService: 'db' };
const named = { server: 'shop-prod', parameterGroup: 'shop-18', resourceGroup: 'shop' };

test.for([
  [undefined, compose, ['docker compose -p shop restart reports']],
  [
    { kind: 'kubernetes' },
    {},
    [
      'kubectl rollout restart deployment/reports',
      'kubectl rollout status deployment/reports --timeout=10m',
    ],
  ],
  [{ kind: 'systemd' }, {}, ['sudo systemctl restart reports']],
  [{ kind: 'rds' }, {}, []],
] as const)('option C on %j', ([runtime, more, commands]) => {
  const answer = shown({ kind: 'restart', service: 'reports' }, [service], on(runtime, more));
  expect(answer.commands).toEqual(commands);
  expect(answer.notes.length > 0).toBe(commands.length === 0);
});

test('commands go to the target’s own engine: by its context, or on its machine', () => {
  const commandsOn = (context: string | null): Commands =>
    shown(
      { kind: 'restart', service: 'reports' },
      [service],
      on(undefined, { ...compose, engine: { context } }),
    );
  expect(commandsOn('db2')).toEqual({
    notes: [],
    commands: ['docker --context db2 compose -p shop restart reports'],
  });
  expect(commandsOn(null)).toEqual({
    notes: [expect.stringContaining('compose.docker.host in dbconn.yml')],
    commands: ['docker compose -p shop restart reports'],
  });
});

const alter = `<<'SQL'\nALTER SYSTEM SET max_connections = 150;\nSQL`;

test.for([
  [
    undefined,
    compose,
    [
      `docker compose -p shop exec -T db sh -c 'exec psql -X -v ON_ERROR_STOP=1 -U "\${POSTGRES_USER:-postgres}" -d "$1"' - postgres ${alter}`,
      'docker compose -p shop restart -t 300 db',
    ],
  ],
  [
    { kind: 'systemd' },
    {},
    [
      `sudo -u postgres psql -X -v ON_ERROR_STOP=1 -d postgres ${alter}`,
      'sudo systemctl restart postgresql',
    ],
  ],
  [
    { kind: 'rds', ...named },
    {},
    [
      'aws rds modify-db-parameter-group --db-parameter-group-name shop-18 --parameters ParameterName=max_connections,ParameterValue=150,ApplyMethod=pending-reboot',
      'aws rds reboot-db-instance --db-instance-identifier shop-prod',
    ],
  ],
  [
    { kind: 'cloudsql', ...named },
    {},
    [
      `gcloud sql instances describe shop-prod --format='value(settings.databaseFlags)'`,
      'gcloud sql instances patch shop-prod --database-flags=max_connections=150,OTHER_FLAGS',
    ],
  ],
  [
    { kind: 'azure', ...named },
    {},
    [
      'az postgres flexible-server parameter set --resource-group shop --server-name shop-prod --name max_connections --value 150',
      'az postgres flexible-server restart --resource-group shop --name shop-prod',
    ],
  ],
  [{ kind: 'other' }, {}, [`psql -X -v ON_ERROR_STOP=1 -d postgres ${alter}`]],
] as const)('option B on %j', ([runtime, more, commands]) => {
  const ask = { kind: 'raise-max-connections', to: 150 } as const;
  expect(shown(ask, [maxConnections], on(runtime, more)).commands).toEqual(commands);
});

test('a name that nobody configured stands in capitals, and the note says what fills it in', () => {
  const ask = { kind: 'raise-max-connections', to: 150 } as const;
  const { notes, commands } = shown(ask, [maxConnections], on({ kind: 'rds' }));
  expect(commands.join(' ')).toMatch(/PARAMETER_GROUP .* INSTANCE$/s);
  expect(notes[0]).toContain('runtime.parameterGroup and runtime.server in dbconn.yml');
});

test('what ALTER SYSTEM cannot beat or write is edited where it stands', () => {
  const ask = { kind: 'raise-max-connections', to: 150 } as const;
  const literal = shown(ask, [maxConnections], {
    ...(on(undefined, compose) ?? byHand),
    edit: 'command line',
  });
  expect(literal.notes.join(' ')).toContain('Set -c max_connections=150 where the server is');
  expect(literal.commands).toEqual(['docker compose -p shop up -d --no-deps --wait -t 300 db']);
  const standby = shown(ask, [maxConnections], {
    ...(on({ kind: 'systemd' }) ?? byHand),
    edit: 'standby',
  });
  expect(standby.notes).toEqual([
    'Set max_connections = 150 in the postgresql.conf of this standby.',
  ]);
});

test.for([
  [
    undefined,
    compose,
    ['docker compose -p shop up -d --no-deps --wait reports'],
    'Set DATABASE_POOL_SIZE=4 and DATABASE_MAX_OVERFLOW=2 where reports gets its variables.',
  ],
  [
    { kind: 'kubernetes', namespace: 'shop' },
    {},
    [
      'kubectl -n shop set env deployment/reports DATABASE_POOL_SIZE=4 DATABASE_MAX_OVERFLOW=2',
      'kubectl -n shop rollout status deployment/reports --timeout=10m',
    ],
    'Change the manifest or the chart as well',
  ],
  [{ kind: 'systemd' }, {}, ['sudo systemctl restart reports'], 'sudo systemctl edit reports'],
] as const)('option E on %j', ([runtime, more, commands, note]) => {
  const ask = { kind: 'resize-pool', service: 'reports' } as const;
  const answer = shown(ask, [pool], on(runtime, more));
  expect(answer.commands).toEqual(commands);
  expect(answer.notes.join(' ')).toContain(note);
});

test('a time-out for a whole managed server goes by its parameters, for one role by SQL', () => {
  const setting = 'idle_in_transaction_session_timeout';
  const ask = { kind: 'set-timeout', setting, role: null, ms: 600_000 } as const;
  const target = { ...maxConnections, name: setting, to: '10min' };
  expect(shown(ask, [target], on({ kind: 'rds', ...named })).commands).toEqual([
    `aws rds modify-db-parameter-group --db-parameter-group-name shop-18 --parameters ParameterName=${setting},ParameterValue=600000,ApplyMethod=immediate`,
  ]);
  const forRole = shown({ ...ask, role: 'app"s' }, [{ ...target, role: 'app"s' }], on(undefined));
  expect(forRole.commands[0]).toContain(`ALTER ROLE "app""s" SET ${setting} = '10min';`);
});

describe('where it is run', () => {
  test.for(['rds', 'cloudsql', 'azure'] as const)(
    'a managed %s is recognised by its role, and services keep their own place',
    (managedBy) => {
      const told = aTarget({ runtime: { kind: 'kubernetes' } });
      const place = placeOf(told, aReading({ managedBy }));
      expect(place).toMatchObject({ server: managedBy, services: 'kubernetes' });
    },
  );

  test('without a word it is Compose where a project is configured, else anywhere', () => {
    expect(placeOf(aTarget(compose), undefined)).toMatchObject({
      server: 'compose',
      services: 'compose',
      names: { project: 'shop', server: 'db' },
    });
    expect(placeOf(aTarget(), undefined)).toMatchObject({ server: 'other', services: 'other' });
  });

  test('Compose as the runtime needs the name of PostgreSQL, and no project', () => {
    const told = (server?: string): object =>
      placeOf(aTarget({ runtime: { kind: 'compose', ...(server && { server }) } }), undefined);
    expect(told('db')).toMatchObject({ server: 'compose', names: { server: 'db', project: null } });
    expect(told()).toMatchObject({ server: 'other', services: 'compose' });
  });
});

test.for([`it's`, '$(touch x)', '`id`', 'a b', '"', '\\', '*', '; rm -rf .', '${HOME}', '!x'])(
  'a real shell takes %j as one word',
  async (name) => {
    const { stdout } = await promisify(execFile)('/bin/sh', ['-c', `printf %s ${shellWord(name)}`]);
    expect(stdout).toBe(name);
  },
);

test.for(['-rf', 'two\nlines', 'a\u202Eb', 'a\u200Bb', 'tab\t'])(
  'a name that reads as another, %j, is in no command',
  (name) => {
    expect(isSafeName(name)).toBe(false);
  },
);

describe('the same refusals as without hands', () => {
  const target = aTarget({
    ...compose,
    services: [
      aService({ name: 'reports' }),
      aService({ name: 'dbconn' }),
      aService({ name: '-x' }),
    ],
  });
  const offs = toHandOffs(
    { target, ...nothing() },
    {
      target,
      takeSnapshot: () => Promise.resolve(aSnapshot()),
      clock: { now: () => Date.parse(until), sleep: () => Promise.resolve() },
      refusedServices: ['dbconn'],
    },
  );
  const propose = (ask: RemedyRequest): Promise<Answer<PlanDraft>> | undefined =>
    offs.find(({ option }) => option === actionOf(ask))?.propose(ask);

  test.for([
    ['db', 'postgres'],
    ['dbconn', 'own-service'],
    ['nowhere', 'unknown-service'],
    ['-x', 'unsafe-name'],
  ] as const)('a restart of %s is refused as %s', async ([name, kind]) => {
    expect(await propose({ kind: 'restart', service: name })).toMatchObject({
      ok: false,
      refusal: { kind },
    });
  });

  test('a pool that would make them all larger than the server is refused', async () => {
    const size = { poolSize: 5000, maxOverflow: 0 };
    expect(await propose({ kind: 'resize-pool', service: 'reports', size })).toMatchObject({
      ok: false,
      refusal: { kind: 'over-budget' },
    });
  });

  test('and what has no harm in it is a plan that says who runs it', async () => {
    const answer = await propose({ kind: 'restart', service: 'reports' });
    expect(answer).toMatchObject({
      ok: true,
      value: {
        title: 'Restart reports',
        byHand: { why: 'dbconn cannot reach the containers of this service.' },
      },
    });
  });
});

function nothing(): Omit<Parameters<typeof toHandOffs>[0], 'target'> {
  const none = {
    ok: false,
    tookMs: 0,
    problem: { kind: 'not-configured', summary: 'There is none.' },
  } as const;
  return {
    database: {
      readSnapshot: () => Promise.reject(new Error('No.')),
      close: () => Promise.resolve(),
    },
    services: { readServices: () => Promise.resolve(none), readLogs: () => Promise.resolve(none) },
    pools: { readPools: () => Promise.resolve(none) },
  };
}
