import type {
  Permission,
  RoleRights,
  RoleSetting,
  RoleTrial,
  ServicePermissions,
} from '../snapshot/ports.ts';
import type { Problem, Snapshot } from '../snapshot/snapshot.ts';
import type { Target } from '../snapshot/target.ts';
import { count, quoteIdentifier } from '../snapshot/words.ts';
import type { ProposedOption } from './diagnosis.ts';
import { gatherEvidence } from './evidence.ts';
import { findApplicationSuperusers, toOrdinaryRole } from './findings/capacity.ts';
import { findInPoolSettings } from './findings/pools.ts';

/** One thing dbconn needs, and whether it has it. `ok` only where what it says was tried. */
export interface Check {
  readonly subject:
    | 'PostgreSQL'
    | 'Lifeline'
    | 'Docker'
    | 'Pools'
    | 'Pooler'
    | 'Logs'
    | 'Slack'
    | 'Pager'
    | 'Journal'
    | 'Configuration';
  readonly state: 'ok' | 'warning' | 'missing' | 'off';
  /** One sentence, from figures and configured names. */
  readonly summary: string;
  /** The command, grant or setting that fixes it. */
  readonly fix?: string;
  /** What cannot run because of it. */
  readonly stops?: readonly (ProposedOption | 'prepared')[];
}

const order: readonly Check['state'][] = ['missing', 'warning', 'off', 'ok'];

/** As Slack, the terminal and `--json` list them. */
export function worstFirst(checks: readonly Check[]): readonly Check[] {
  return checks.toSorted((a, b) => order.indexOf(a.state) - order.indexOf(b.state));
}

interface DoctorInput {
  readonly snapshot: Snapshot;
  readonly target: Target;
  /** Absent where nothing can refuse. */
  readonly permissions?: ServicePermissions | undefined;
  /** Absent where there is nothing to log in with. */
  readonly trials?: readonly RoleTrial[] | undefined;
}

/** What dbconn needs to see of one target, judged from a check of it. Slack's own checks are added by Slack. */
export function checkTarget({ snapshot, target, permissions, trials = [] }: DoctorInput): Check[] {
  return [
    ...checkDatabase(snapshot, trials),
    // Why the looking role gets nowhere is said above.
    ...trials
      .filter(({ setting }) => setting !== 'url' || snapshot.database.reading !== undefined)
      .flatMap(checkTrial),
    ...checkApplicationRoles({ snapshot, target, trials }),
    ...checkLifeline(snapshot),
    ...checkServices(snapshot, target),
    ...checkPermissions(permissions, target),
    ...checkPools(snapshot),
    ...checkPoolers(snapshot),
    ...checkPoolSettings(snapshot),
    ...checkLogs(snapshot),
  ];
}

/** What a problem of one of the parts comes to. */
function ofProblem(
  subject: Check['subject'],
  state: Check['state'],
  { summary, fix }: { readonly summary: string; readonly fix?: string | undefined },
): Check {
  return { subject, state, summary, ...(fix !== undefined && { fix }) };
}

/** What needs the acting role to log in. */
export const acting = ['A', 'B', 'D', 'prepared', 'prevention'] as const;

function checkDatabase(
  { database: { reach, reading } }: Snapshot,
  trials: readonly RoleTrial[],
): Check[] {
  const subject = 'PostgreSQL';
  if (reading === undefined) {
    const { summary = 'PostgreSQL did not answer.', fix = 'Run status.' } = reach.error ?? {};
    // On a full server the acting role may still get in, and that is tried on its own.
    const stops = reach.error?.kind === 'full' ? {} : { stops: acting };
    return [{ subject, state: 'missing', summary, fix, ...stops }];
  }
  const { role, monitor, roleSuperuser } = reading.visibility;
  const checks: Check[] = [];
  if (!monitor) {
    const summary = 'database.url: the role cannot see the sessions of other roles.';
    checks.push({ subject, state: 'missing', summary, fix: grant('pg_monitor', role) });
  } else if (!trials.some(({ setting, ok }) => setting === 'url' && !ok)) {
    const summary = 'database.url: the role logs in and sees all sessions.';
    checks.push({ subject, state: 'ok', summary });
  }
  if (roleSuperuser) {
    const summary = 'database.url: the role is a superuser, and pg_monitor is enough.';
    const fix = 'Use the role dbconn of deploy/grants.sql.';
    checks.push({ subject, state: 'warning', summary, fix });
  }
  return checks;
}

function grant(what: string, role: string): string {
  return `GRANT ${what} TO ${quoteIdentifier(role)};`;
}

function checkTrial(trial: RoleTrial): Check[] {
  const { setting } = trial;
  const base = { subject: 'PostgreSQL' as const };
  if (!trial.ok) {
    const { kind, summary, fix } = trial.error;
    // A full server refuses a role that is well: what it may do then is the lifeline's.
    const state = kind === 'full' ? 'warning' : 'missing';
    const stops = setting === 'actingUrl' ? { stops: acting } : {};
    return [{ ...base, state, summary: `database.${setting}: ${summary}`, fix, ...stops }];
  }
  return lacksOf[setting](trial.rights);
}

/** What a role that logs in lacks for what its address is there for; else that it works. */
const lacksOf: Readonly<Record<RoleSetting, (rights: RoleRights) => Check[]>> = {
  // What the snapshot was read with is judged there.
  url: () => [],
  actingUrl({ role, monitor, signals }) {
    const lacks = [
      ...(signals ? [] : [['may not end sessions of other roles', 'pg_signal_backend'] as const]),
      ...(monitor ? [] : [['cannot see the sessions of other roles', 'pg_monitor'] as const]),
    ];
    if (lacks.length === 0) return [ofRole('actingUrl', 'logs in and may end sessions')];
    return lacks.map(([what, privilege]) => ({
      ...ofRole('actingUrl', what, grant(privilege, role)),
      stops: ['A', 'D'],
    }));
  },
  reservedUrl({ role, reserved, version }) {
    if (reserved) return [ofRole('reservedUrl', 'logs in and may use reserved connections')];
    const fix =
      version >= 160_000
        ? grant('pg_use_reserved_connections', role)
        : 'Before PostgreSQL 16 only rescueUrl helps: remove reservedUrl.';
    return [ofRole('reservedUrl', 'may not use reserved connections', fix)];
  },
  rescueUrl({ superuser }) {
    if (superuser) return [ofRole('rescueUrl', 'logs in and is a superuser')];
    const fix = 'Set database.rescueUrl to a superuser, or remove it.';
    return [ofRole('rescueUrl', 'is no superuser, so a full server refuses it', fix)];
  },
};

function ofRole(setting: RoleSetting, what: string, fix?: string): Check {
  const summary = `database.${setting}: the role ${what}.`;
  return ofProblem('PostgreSQL', fix === undefined ? 'ok' : 'missing', { summary, fix });
}

/** As the official image has it: an ordinary role cannot end a superuser's sessions, and A and D are not to run. */
function checkApplicationRoles({ snapshot, target, trials = [] }: DoctorInput): Check[] {
  const found = findApplicationSuperusers(gatherEvidence({ snapshot, target, recent: [] }));
  const mayEnd = trials.some(
    (trial) => trial.setting === 'actingUrl' && trial.ok && trial.rights.superuser,
  );
  return found.map((one): Check => {
    const isEnded = mayEnd && target.applicationRoles.includes(one.role);
    const name = quoteIdentifier(one.role);
    const otherwise = `Or list ${name} in applicationRoles, and set actingUrl to a superuser.`;
    return {
      subject: 'PostgreSQL',
      state: 'warning',
      summary: `The application logs in as the superuser ${name}, and ${isEnded ? 'can take the reserved slots' : 'pg_signal_backend cannot end its sessions'}.`,
      fix: [toOrdinaryRole(one), ...(isEnded ? [] : [otherwise])].join(' '),
      ...(!isEnded && { stops: ['A', 'D'] }),
    };
  });
}

const rungWords: Readonly<Record<Snapshot['database']['reach']['via'], string>> = {
  warm: 'the connection that dbconn keeps open',
  connection: 'a new connection',
  reserved: 'a reserved connection',
  superuser: 'the superuser connection',
  exec: 'psql in the container',
  none: 'no connection',
};

function checkLifeline({ database: { reach, reading } }: Snapshot): Check[] {
  const subject = 'Lifeline';
  // Why nothing answered is said above.
  if (reading === undefined) return [];
  const checks: Check[] = [
    { subject, state: 'ok', summary: `This check used ${rungWords[reach.via]}.` },
  ];
  const { canUseReserved, role, roleConnectionLimit } = reading.visibility;
  const reserved = reading.capacity.reserved;
  if (reading.version >= 160_000 && !(canUseReserved && reserved > 0)) {
    checks.push({
      subject,
      state: 'warning',
      summary: 'On a full server, dbconn can only use a connection that is already open.',
      fix: [
        ...(reserved > 0 ? [] : ['Set reserved_connections = 2 and restart PostgreSQL.']),
        ...(canUseReserved ? [] : [grant('pg_use_reserved_connections', role)]),
      ].join(' '),
    });
  }
  if (roleConnectionLimit >= 0 && roleConnectionLimit < 2) {
    const limit = count(roleConnectionLimit, 'connection');
    checks.push({
      subject,
      state: 'warning',
      summary: `The role may open ${limit}; replacing one that hangs takes 2.`,
      fix: `ALTER ROLE ${quoteIdentifier(role)} CONNECTION LIMIT 3;`,
    });
  }
  return checks;
}

const byContainers = ['C', 'E'] as const;

const noService: Check = {
  subject: 'Docker',
  state: 'off',
  summary: 'No service is configured, so there is nothing to restart or resize.',
  fix: 'Name what opens the connections under services in dbconn.yml, such as `- name: backend`.',
  stops: byContainers,
};

function checkServices({ services }: Snapshot, target: Target): Check[] {
  const subject = 'Docker';
  if (!services.ok) {
    const isOff = services.problem.kind === 'not-configured';
    const check = ofProblem(subject, isOff ? 'off' : 'missing', services.problem);
    const restarts = target.postgresService === undefined ? [] : (['B'] as const);
    return [{ ...check, stops: [...byContainers, ...restarts] }];
  }
  const read = services.value.services;
  const changeable = read.filter(({ name }) => name !== target.postgresService);
  // One service that can be restarted is enough for the option.
  const isEnough = changeable.some(({ replicas }) => replicas.length > 0);
  return [
    ...(target.services.length > 0 ? [] : [noService]),
    ...read.map(({ name, replicas, problem }): Check => {
      const needed = name === target.postgresService ? (['B'] as const) : byContainers;
      const isInTheWay = replicas.length === 0 && (name === target.postgresService || !isEnough);
      const stops = isInTheWay ? { stops: needed } : {};
      if (problem !== undefined) return { ...ofProblem(subject, 'missing', problem), ...stops };
      if (replicas.length > 0) {
        const summary = `${name}: ${count(replicas.length, 'container')} found.`;
        return { subject, state: 'ok', summary };
      }
      const summary = `Docker has no container of the service ${name}.`;
      const fix = `Compare compose.project and services of ${target.name} with \`docker compose ps -a\`.`;
      return { subject, state: 'missing', summary, fix, ...stops };
    }),
  ];
}

/** What may not be done is no fault: an installation that only looks is a good one. */
function checkPermissions(permissions: ServicePermissions | undefined, target: Target): Check[] {
  if (permissions?.read.state !== 'allowed') return []; // the services say why they cannot be read
  const { restart, exec, recreate, server } = permissions;
  const toCheck = (permission: Permission, summary: string, stops: Check['stops'] = []): Check =>
    permission.state === 'allowed'
      ? { subject: 'Docker', state: 'ok', summary }
      : { ...ofProblem('Docker', 'off', permission.problem), stops };
  const { postgresService, canResize } = target;
  return [
    toCheck(restart, 'dbconn may restart containers (option C).', ['C']),
    ...(canResize === true
      ? [toCheck(recreate, 'dbconn may recreate containers (option E).', ['E'])]
      : []),
    ...(postgresService === undefined
      ? []
      : [
          toCheck(server, 'dbconn may restart PostgreSQL (option B).', ['B']),
          toCheck(exec, 'dbconn may run psql in a container (execUser).'),
        ]),
  ];
}

function checkPools({ pools }: Snapshot): Check[] {
  const subject = 'Pools';
  if (!pools.ok) return [ofProblem(subject, 'off', pools.problem)];
  return pools.value.map(({ service, endpoint, pools: found, problem }): Check => {
    if (problem !== undefined) return ofProblem(subject, 'missing', problem);
    const unknown = found.some(({ limit }) => limit === null);
    return unknown
      ? {
          subject,
          state: 'warning',
          summary: `${service}: ${endpoint} shows no maximum overflow.`,
          fix: `Set maxOverflow for this endpoint, or for the service ${service}.`,
        }
      : { subject, state: 'ok', summary: `${service}: ${count(found.length, 'pool')} read.` };
  });
}

function checkPoolers({ poolers }: Snapshot): Check[] {
  const subject = 'Pooler';
  if (poolers === undefined) return [];
  if (!poolers.ok) return [ofProblem(subject, 'missing', poolers.problem)];
  return poolers.value.map(({ name, problem, reading }): Check => {
    if (problem === undefined) {
      const summary = `${name}: the admin console answers (${reading?.version ?? 'read'}).`;
      return { subject, state: 'ok', summary };
    }
    const { summary, fix } = problem;
    const isNamed = summary.startsWith(name);
    return ofProblem(subject, 'missing', {
      summary: isNamed ? summary : `${name}: ${summary}`,
      fix,
    });
  });
}

/** Not what dbconn lacks, but what will cost the next night: the runbook's prevention. */
function checkPoolSettings({ services, database: { reading } }: Snapshot): Check[] {
  const read = services.ok ? services.value.services : [];
  return findInPoolSettings({ services: read, reading }).map((finding) =>
    ofProblem('Pools', 'warning', finding),
  );
}

function checkLogs({ logs, services }: Snapshot): Check[] {
  const subject = 'Logs';
  // Where the engine gives no answer, that is said of the containers.
  const isTold = ({ summary }: Problem): boolean =>
    !services.ok && services.problem.summary === summary;
  if (!logs.ok) return isTold(logs.problem) ? [] : [ofProblem(subject, 'off', logs.problem)];
  return logs.value.flatMap(({ container, linesRead, problem }): Check[] => {
    if (problem !== undefined) {
      return isTold(problem) ? [] : [ofProblem(subject, 'missing', problem)];
    }
    return [{ subject, state: 'ok', summary: `${container}: ${count(linesRead, 'line')} read.` }];
  });
}
