import { cleanUntrusted } from '../../snapshot/redaction/redact-text.ts';
import type { LogClass } from '../../snapshot/snapshot.ts';
import { count } from '../../snapshot/words.ts';
import type { Finding, Severity } from '../diagnosis.ts';
import type { Evidence } from '../evidence.ts';
import { countLines } from '../summarise.ts';
import { unread } from './services.ts';

interface Rule {
  readonly id: string;
  readonly classes: readonly LogClass[];
  readonly severity: Severity;
  readonly say: string;
  readonly fix?: string;
}

const rules: readonly Rule[] = [
  {
    id: 'pool-timeouts-in-logs',
    classes: ['pool-timeout'],
    severity: 'warning',
    say: 'a request timed out waiting for its pool',
    fix: 'Check what the sessions of the pool do: run, wait or sit idle.',
  },
  {
    id: 'refusals-in-logs',
    classes: ['slots-full', 'slots-reserved'],
    severity: 'warning',
    say: 'PostgreSQL refused a connection because no slot was free',
  },
  {
    id: 'limit-refusals-in-logs',
    classes: ['role-or-database-limit'],
    severity: 'warning',
    say: 'a role or a database reached its connection limit',
    fix: 'Compare its CONNECTION LIMIT with what its clients may open.',
  },
  {
    id: 'pooler-logins-in-logs',
    classes: ['pooler-login'],
    severity: 'warning',
    say: 'a pooler could not log in to PostgreSQL',
    fix: "Check the reason in the pooler's log: a password, a limit, or PostgreSQL itself.",
  },
  {
    id: 'pooler-limit-in-logs',
    classes: ['pooler-limit'],
    severity: 'warning',
    say: 'a pooler reached its limit of clients',
    fix: 'Compare max_client_conn with what its clients may open. PostgreSQL is not the limit here.',
  },
  {
    id: 'pooler-waits-in-logs',
    classes: ['pooler-query-wait'],
    severity: 'warning',
    say: 'a client waited too long for a server connection of the pooler',
    fix: "Run SHOW POOLS to check what uses the pooler's server connections.",
  },
  {
    id: 'deadlocks-in-logs',
    classes: ['deadlock'],
    severity: 'warning',
    say: 'PostgreSQL resolved a deadlock',
    fix: 'Take locks in the same order everywhere in the code.',
  },
  {
    id: 'crash-in-logs',
    classes: ['crash'],
    severity: 'warning',
    say: 'a server process crashed and ended every session',
    fix: 'Check the PostgreSQL log around that time: memory, a signal, a broken extension.',
  },
  {
    id: 'login-failures-in-logs',
    classes: ['authentication'],
    severity: 'info',
    say: 'a login was refused',
  },
];

/** What the containers' logs say, and which could not be read. */
export function findInLogs({ snapshot, logs }: Evidence): Finding[] {
  if (!snapshot.logs.ok) return unread(aboutLogs('the containers'), snapshot.logs.problem);
  return [
    ...snapshot.logs.value.flatMap(({ service, problem }) =>
      problem === undefined ? [] : unread(aboutLogs(service), problem),
    ),
    ...rules.flatMap(({ id, classes, severity, say, fix }) => {
      const lines = countLines(logs, classes);
      if (lines === 0) return [];
      const examples = logs.flatMap(({ container, classes: found }) =>
        found
          .filter(({ class: name }) => classes.some((known) => known === name))
          .map(({ example }) => cleanUntrusted(`${container}: ${example}`, 200)),
      );
      return [
        {
          id,
          severity,
          summary: `${count(lines, 'recent log line says', 'recent log lines say')} that ${say}.`,
          figure: { value: lines, unit: 'lines' },
          evidence: examples.slice(0, 5),
          ...(fix !== undefined && { fix }),
        },
      ];
    }),
  ];
}

function aboutLogs(of: string): Pick<Finding, 'id' | 'severity' | 'summary'> {
  return { id: 'logs-unread', severity: 'info', summary: `The logs of ${of} could not be read.` };
}
