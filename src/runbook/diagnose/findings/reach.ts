import { cleanUntrusted } from '../../snapshot/redaction/redact-text.ts';
import type { ReachError } from '../../snapshot/snapshot.ts';
import { count, quoteIdentifier } from '../../snapshot/words.ts';
import type { Finding } from '../diagnosis.ts';
import type { Evidence } from '../evidence.ts';

/** Whether and how PostgreSQL could be seen at all. */
export function findInReach(evidence: Evidence): Finding[] {
  return [...refusal(evidence), ...titles(evidence), ...visibility(evidence)];
}

function refusal({ snapshot, reading }: Evidence): Finding[] {
  const { error, via, rungs } = snapshot.database.reach;
  if (error === undefined) {
    if (reading !== undefined) return [];
    return [
      {
        id: 'server-unread',
        severity: 'warning',
        summary: 'PostgreSQL could not be checked; the reason is unknown.',
        evidence: rungs.map(({ rung, outcome }) => `${rung}: ${outcome}`),
        fix: 'Run doctor, and check the log of dbconn.',
      },
    ];
  }
  // Missing privileges are told by what the look could not see.
  if (error.kind === 'privilege' && reading !== undefined) return [];
  const { id, severity, summary } = toRefusal(error);
  const byOtherWay = reading === undefined ? '' : ` This check used another connection (${via}).`;
  return [
    {
      id,
      severity: reading !== undefined && severity === 'warning' ? 'info' : severity,
      summary: summary + byOtherWay,
      evidence: [
        cleanUntrusted(error.summary, 300),
        ...rungs.map(({ rung, outcome }) => `${rung}: ${cleanUntrusted(outcome, 200)}`),
      ],
      fix: error.fix,
    },
  ];
}

type Refusal = Pick<Finding, 'id' | 'severity' | 'summary'>;

const blind: Record<'auth' | 'privilege' | 'server-error' | 'network', Refusal> = {
  auth: {
    id: 'login-refused',
    severity: 'warning',
    summary: "PostgreSQL refuses dbconn's login.",
  },
  privilege: {
    id: 'privilege-missing',
    severity: 'warning',
    summary: "dbconn's role lacks the privilege to check PostgreSQL.",
  },
  'server-error': {
    id: 'server-error',
    severity: 'warning',
    summary: 'PostgreSQL answered the check with an error.',
  },
  network: {
    id: 'server-unreachable',
    severity: 'warning',
    summary: 'PostgreSQL cannot be reached over the network.',
  },
};

function toRefusal(error: ReachError): Refusal {
  switch (error.kind) {
    case 'full':
      return fullness(error);
    case 'frozen':
      return freezing(error);
    case 'slow':
      return slowness(error);
    case 'stopped':
      return stopping(error);
    default:
      return blind[error.kind];
  }
}

function slowness({ detail }: ReachError): Refusal {
  const what = {
    login: 'PostgreSQL accepts connections, but logins take seconds.',
    statement: "PostgreSQL accepts connections, but dbconn's check took too long.",
    catalog: 'A system catalog is locked: sessions cannot be read, and new logins wait.',
  };
  const which = detail === 'login' || detail === 'catalog' ? detail : 'statement';
  return { id: 'server-slow', severity: 'critical', summary: what[which] };
}

function freezing({ detail }: ReachError): Refusal {
  if (detail === 'backend') {
    return {
      id: 'session-frozen',
      severity: 'warning',
      summary: "dbconn's own session did not answer in time, while a new one did.",
    };
  }
  return {
    id: 'server-frozen',
    severity: 'critical',
    summary: 'PostgreSQL accepts connections but does not answer: it hangs.',
  };
}

function fullness({ scope = 'server' }: ReachError): Refusal {
  const full = {
    server: 'PostgreSQL refuses new connections: every slot for ordinary roles is taken.',
    role: "PostgreSQL refuses new connections of dbconn's role: its connection limit is reached.",
    database: 'New connections to this database are refused: its connection limit is reached.',
    pooler: 'The pooler in front of PostgreSQL refuses new clients.',
  };
  // A limit of dbconn's own role says nothing about the applications.
  return {
    id: `${scope}-full`,
    severity: scope === 'role' ? 'warning' : 'critical',
    summary: full[scope],
  };
}

function stopping({ detail }: ReachError): Refusal {
  if (detail === 'starting') {
    return {
      id: 'server-starting',
      severity: 'critical',
      summary: 'PostgreSQL is starting up or recovering, and accepts no connections yet.',
    };
  }
  if (detail === 'not-accepting') {
    return {
      id: 'server-not-accepting',
      severity: 'critical',
      summary: 'PostgreSQL accepts no connections: it is starting up, recovering or shutting down.',
    };
  }
  return {
    id: 'server-stopped',
    severity: 'critical',
    summary:
      detail === 'shutting-down'
        ? 'PostgreSQL is shutting down.'
        : 'PostgreSQL is not running: nothing listens at its address.',
  };
}

/** The only sight of a server that lets nobody in. */
function titles({ snapshot, reading }: Evidence): Finding[] {
  const processes = snapshot.services.ok ? snapshot.services.value.postgresProcesses : undefined;
  if (reading !== undefined || processes === undefined) return [];
  const { clients, authenticating, active, idle, idleInTransaction, sources } = processes;
  return [
    {
      id: 'process-titles',
      severity: 'info',
      summary: `The server's process titles show ${count(clients, 'client')}: ${active} active, ${idle} idle, ${idleInTransaction} idle in transaction, ${authenticating} still logging in.`,
      figure: { value: clients, unit: 'client processes' },
      evidence: sources.map(({ user, database, client, total }) =>
        cleanUntrusted(`${total} of ${user} on ${database} from ${client}`, 200),
      ),
    },
  ];
}

function visibility({ reading }: Evidence): Finding[] {
  if (reading === undefined || isVisible(reading)) return [];
  const { counts, visibility: byOtherWay } = reading;
  return [
    {
      id: 'no-pg-monitor',
      severity: 'warning',
      summary: `${count(counts.hidden, 'session')} of other roles cannot be seen, so every figure is a lower bound.`,
      figure: { value: counts.hidden, unit: 'hidden sessions' },
      evidence: [
        'Without pg_monitor, PostgreSQL hides the state, application and query of other roles.',
      ],
      fix: `GRANT pg_monitor TO ${quoteIdentifier(byOtherWay.role)};`,
    },
  ];
}

/** Whether the role sees enough to judge. Without pg_monitor a full server looks almost empty. */
export function isVisible({
  counts,
  visibility: byOtherWay,
}: NonNullable<Evidence['reading']>): boolean {
  return counts.hidden === 0 && (byOtherWay.monitor || byOtherWay.roleSuperuser);
}
