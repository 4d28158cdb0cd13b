import type { Permission, ServicePermissions } from '../snapshot/ports.ts';
import type { Problem, Snapshot } from '../snapshot/snapshot.ts';
import type { Target } from '../snapshot/target.ts';
import { quoteIdentifier } from '../snapshot/words.ts';
import { findInPoolSettings } from './findings/pools.ts';

/** One thing dbconn needs, and whether it has it. */
export interface Check {
  readonly subject:
    'PostgreSQL' | 'Lifeline' | 'Docker' | 'Pools' | 'Pooler' | 'Logs' | 'Slack' | 'Configuration';
  readonly state: 'ok' | 'warning' | 'missing' | 'off';
  /** One sentence, from figures and configured names. */
  readonly summary: string;
  /** The command, grant or setting that mends it. */
  readonly fix?: string;
}

interface DoctorInput {
  readonly snapshot: Snapshot;
  readonly target: Target;
  /** Absent where nothing can refuse. */
  readonly permissions?: ServicePermissions | undefined;
}

/** What dbconn needs to see of one target, judged from a look at it. Slack's own checks are added by Slack. */
export function checkTarget({ snapshot, target, permissions }: DoctorInput): Check[] {
  return [
    ...checkDatabase(snapshot),
    ...checkLifeline(snapshot),
    ...checkServices(snapshot, target),
    ...checkPermissions(permissions),
    ...checkPools(snapshot),
    ...checkPoolers(snapshot),
    ...checkPoolSettings(snapshot),
    ...checkFixedPools(snapshot),
    ...checkLogs(snapshot),
  ];
}

function checkDatabase({ database: { reach, reading } }: Snapshot): Check[] {
  if (reading === undefined) {
    const { summary = 'PostgreSQL did not answer.', fix = 'See status.' } = reach.error ?? {};
    return [{ subject: 'PostgreSQL', state: 'missing', summary, fix }];
  }
  const { role, monitor, canSignal, roleSuperuser } = reading.visibility;
  const checks: Check[] = [
    monitor
      ? { subject: 'PostgreSQL', state: 'ok', summary: "The role sees every session's state." }
      : {
          subject: 'PostgreSQL',
          state: 'missing',
          summary: "The role cannot see other roles' sessions, so nothing can be judged.",
          fix: `GRANT pg_monitor TO ${quoteIdentifier(role)};`,
        },
  ];
  if (roleSuperuser) {
    checks.push({
      subject: 'PostgreSQL',
      state: 'warning',
      summary: 'dbconn looks as a superuser; a role with pg_monitor is enough.',
      fix: 'Use the roles of deploy/grants.sql.',
    });
  }
  checks.push(
    canSignal
      ? {
          subject: 'PostgreSQL',
          state: 'ok',
          summary: 'The role may end sessions of ordinary roles.',
        }
      : {
          subject: 'PostgreSQL',
          state: 'off',
          summary: 'The looking role may not end sessions; options A and D need a role that may.',
          fix: 'GRANT pg_signal_backend to the role of actingUrl.',
        },
  );
  return checks;
}

function checkLifeline({ database: { reach, reading } }: Snapshot): Check[] {
  const rungs = reach.rungs.map(({ rung, outcome }) => `${rung}: ${outcome}`).join('; ');
  const checks: Check[] = [
    {
      subject: 'Lifeline',
      state: reach.via === 'none' ? 'missing' : 'ok',
      summary: `This look came by ${reach.via}${rungs === '' ? '' : ` (${rungs})`}.`,
    },
  ];
  if (reading === undefined) return checks;
  const { canUseReserved, role, roleConnectionLimit } = reading.visibility;
  const reserved = reading.capacity.reserved;
  if (reading.version >= 160_000 && !(canUseReserved && reserved > 0)) {
    checks.push({
      subject: 'Lifeline',
      state: 'warning',
      summary: 'When every slot is taken, only a connection that is already open can look.',
      fix: [
        ...(reserved > 0 ? [] : ['Set reserved_connections = 2 and restart PostgreSQL.']),
        ...(canUseReserved
          ? []
          : [`GRANT pg_use_reserved_connections TO ${quoteIdentifier(role)};`]),
      ].join(' '),
    });
  }
  if (roleConnectionLimit >= 0 && roleConnectionLimit < 2) {
    checks.push({
      subject: 'Lifeline',
      state: 'warning',
      summary: `The role may open ${roleConnectionLimit} connections; replacing a hung one needs 2.`,
      fix: `ALTER ROLE ${quoteIdentifier(role)} CONNECTION LIMIT 2;`,
    });
  }
  return checks;
}

function replicaCount(replicas: number): string {
  return replicas === 1 ? '1 replica seen' : `${replicas} replicas seen`;
}

function checkServices({ services }: Snapshot, target: Target): Check[] {
  if (!services.ok) {
    const { kind, summary, fix } = services.problem;
    const state = kind === 'not-configured' ? 'off' : 'missing';
    return [{ subject: 'Docker', state, summary, ...(fix !== undefined && { fix }) }];
  }
  return services.value.services.map(({ name, replicas, problem }): Check => {
    if (problem !== undefined) {
      const { summary, fix } = problem;
      return { subject: 'Docker', state: 'missing', summary, ...(fix !== undefined && { fix }) };
    }
    return replicas.length === 0
      ? {
          subject: 'Docker',
          state: 'missing',
          summary: `No container of the service ${name} was found.`,
          fix: `Check compose.project and the service names of target ${target.name}.`,
        }
      : { subject: 'Docker', state: 'ok', summary: `${name}: ${replicaCount(replicas.length)}.` };
  });
}

function checkPermissions(permissions: ServicePermissions | undefined): Check[] {
  if (permissions?.read.state !== 'allowed') return []; // the services say why they cannot be read
  return [
    toCheck(permissions.restart, 'Docker lets dbconn restart containers (option C).'),
    toCheck(permissions.exec, 'Docker lets dbconn run psql in a container (execUser).'),
  ];
}

/** What may not be done is no fault: an installation that only looks is a good one. */
function toCheck(permission: Permission, allowed: string): Check {
  if (permission.state === 'allowed') return { subject: 'Docker', state: 'ok', summary: allowed };
  const { summary, fix } = permission.problem;
  return { subject: 'Docker', state: 'off', summary, ...(fix !== undefined && { fix }) };
}

function checkPools({ pools }: Snapshot): Check[] {
  if (!pools.ok) {
    const { summary, fix } = pools.problem;
    return [{ subject: 'Pools', state: 'off', summary, ...(fix !== undefined && { fix }) }];
  }
  return pools.value.map(({ service, endpoint, pools: found, problem }): Check => {
    if (problem !== undefined) {
      const { summary, fix } = problem;
      return { subject: 'Pools', state: 'missing', summary, ...(fix !== undefined && { fix }) };
    }
    const unknown = found.some(({ limit }) => limit === null);
    return unknown
      ? {
          subject: 'Pools',
          state: 'warning',
          summary: `${service}: ${endpoint} shows no maximum overflow.`,
          fix: `Set maxOverflow for this endpoint, or for the service ${service}.`,
        }
      : { subject: 'Pools', state: 'ok', summary: `${service}: ${found.length} pools read.` };
  });
}

function checkPoolers({ poolers }: Snapshot): Check[] {
  if (poolers === undefined) return [];
  const missing = ({ summary, fix }: Problem): Check => {
    return { subject: 'Pooler', state: 'missing', summary, ...(fix !== undefined && { fix }) };
  };
  if (!poolers.ok) return [missing(poolers.problem)];
  return poolers.value.map(({ name, problem, reading }): Check =>
    problem === undefined
      ? { subject: 'Pooler', state: 'ok', summary: `${name}: ${reading?.version ?? 'read'}.` }
      : missing({ ...problem, summary: `${name}: ${problem.summary}` }),
  );
}

/** Not what dbconn lacks, but what will cost the next night: the runbook's prevention. */
function checkPoolSettings({ services, database: { reading } }: Snapshot): Check[] {
  const read = services.ok ? services.value.services : [];
  return findInPoolSettings({ services: read, reading }).map(({ summary, fix }): Check => {
    return { subject: 'Pools', state: 'warning', summary, ...(fix !== undefined && { fix }) };
  });
}

/** Option E writes files of variables only, and only those that the containers have their numbers from. */
function checkFixedPools({ services }: Snapshot): Check[] {
  const read = services.ok ? services.value.services : [];
  return read.flatMap(({ fixedPool = {} }) =>
    [...new Set(Object.values(fixedPool))].map((why): Check => {
      const summary = `Option E cannot change it: ${why}`;
      const fix = 'Write ${NAME} in the Compose file, and set NAME in its .env.';
      return { subject: 'Pools', state: 'off', summary, fix };
    }),
  );
}

function checkLogs({ logs }: Snapshot): Check[] {
  if (!logs.ok) {
    const { summary, fix } = logs.problem;
    return [{ subject: 'Logs', state: 'off', summary, ...(fix !== undefined && { fix }) }];
  }
  return logs.value.map(({ container, linesRead, problem }): Check => {
    if (problem === undefined) {
      return { subject: 'Logs', state: 'ok', summary: `${container}: ${linesRead} lines read.` };
    }
    const { summary, fix } = problem;
    return { subject: 'Logs', state: 'missing', summary, ...(fix !== undefined && { fix }) };
  });
}
