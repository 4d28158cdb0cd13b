// Data alone, so that showing them loads nothing else.

/** The words of `/dbconn …` and of `dbconn …` in a terminal: one vocabulary for both. */
export const readOnlyWords = [
  'status',
  'sources',
  'sessions',
  'idle',
  'blocking',
  'pool',
  'logs',
  'causes',
  'doctor',
] as const;

export type ReadOnlyWord = (typeof readOnlyWords)[number];

/** Words that set something in motion: a request, a stop. None changes a database by itself. */
const changingWords = [
  'propose',
  'preview',
  'requests',
  'cancel',
  'kill',
  'stop',
  'go',
  'break-glass',
] as const;

/** Words that ask what the journal holds, or what dbconn advises. */
const recordWords = ['history', 'report', 'prevention'] as const;
export type RecordWord = (typeof recordWords)[number];

const incidentWords = ['incident', 'escalate', ...recordWords] as const;

export type Word =
  ReadOnlyWord | (typeof changingWords)[number] | (typeof incidentWords)[number] | 'help';

/** As help lists them. */
export const groups: readonly (readonly [title: string, words: readonly Word[]])[] = [
  ['Check a database', readOnlyWords],
  ['Change something, after approval', changingWords],
  ['Incidents', incidentWords],
];

type Line = readonly [typed: string, what: string];

export interface Guide {
  /** What it answers or does, short enough for a line of help on sixty columns. */
  readonly does: string;
  /** Every way to type it. */
  readonly forms: readonly Line[];
  readonly examples: readonly [Line, Line];
}

function check(word: ReadOnlyWord, does: string): Guide {
  return {
    does,
    forms: [[`${word} [TARGET]`, 'of the first target where none is named']],
    examples: [
      [word, 'checks the first target of dbconn.yml'],
      [`${word} orders`, 'checks the target named orders'],
    ],
  };
}

const remedies: readonly Line[] = [
  ['A [APPLICATION] [over 30m]', 'end sessions idle in transaction, or idle ones'],
  ['B [CONNECTIONS]', 'raise max_connections, restart PostgreSQL'],
  ['C SERVICE', 'restart a service, one replica at a time'],
  ['D', 'cancel or end what blocks the others'],
  ['D slow [over 1m]', 'cancel statements that run too long'],
  ['E SERVICE [SIZE OVERFLOW]', 'resize the pool of a service'],
  ['prevention SETTING [for ROLE] 10m|off|reset', 'idle-in-transaction or idle-session time-out'],
  ['prevention connection-limit for ROLE 20|off', 'limit the connections of a role'],
  ['prepared GID', 'roll back a prepared transaction'],
];

function withRemedies(word: 'propose' | 'preview'): readonly Line[] {
  return remedies.map(([typed, what]) => [`${word} ${typed}`, what]);
}

/** What each word is for and how it is typed; help shows it. */
export const guides: Readonly<Record<Word, Guide>> = {
  status: check('status', 'how full PostgreSQL is, why, and what helps'),
  sources: check('sources', 'connections by user, application and client'),
  sessions: check('sessions', 'the oldest sessions and what they run'),
  idle: check('idle', 'sessions idle in transaction, and from where'),
  blocking: check('blocking', 'who waits for whom, and the root blockers'),
  pool: check('pool', 'the pools, and what each service may open'),
  logs: check('logs', 'what the logs say about connections'),
  causes: check('causes', 'the six causes, with evidence for and against'),
  doctor: check('doctor', 'what dbconn can do here, and what to fix'),
  propose: {
    does: 'propose a remedy; it runs once approved',
    forms: withRemedies('propose'),
    examples: [
      ['propose C backend', 'proposes a restart of backend'],
      ['propose A over 10m orders', 'proposes option A for the target orders'],
    ],
  },
  preview: {
    does: 'the plan of a remedy; nothing is recorded',
    forms: withRemedies('preview'),
    examples: [
      ['preview D', 'shows what option D would end, and why'],
      ['preview B 200', 'shows what 200 connections would cost'],
    ],
  },
  requests: {
    does: 'requests that wait for votes or run',
    forms: [['requests', 'of all targets']],
    examples: [
      ['requests', 'lists them'],
      ['help propose', 'explains how to make one'],
    ],
  },
  cancel: {
    does: 'propose to cancel what a session runs',
    forms: [['cancel PID [TARGET]', 'the session stays connected']],
    examples: [
      ['cancel 4711', 'proposes pg_cancel_backend(4711)'],
      ['cancel 4711 orders', 'the same on the target orders'],
    ],
  },
  kill: {
    does: 'propose to end a session',
    forms: [['kill PID [TARGET]', 'its open transaction is rolled back']],
    examples: [
      ['kill 4711', 'proposes pg_terminate_backend(4711)'],
      ['kill 4711 orders', 'the same on the target orders'],
    ],
  },
  stop: {
    does: 'stop all changes until an approver types go',
    forms: [['stop [REASON]', 'anybody may, for all targets at once']],
    examples: [
      ['stop', 'stops every change now'],
      ['stop wrong service', 'and says why'],
    ],
  },
  go: {
    does: 'let changes run again after a stop',
    forms: [['go [REASON]', 'an approver may, in Slack']],
    examples: [
      ['go', 'ends the stop'],
      ['go the plan was right', 'and says why'],
    ],
  },
  'break-glass': {
    does: 'run a request without its votes',
    forms: [['break-glass ID REASON', 'for the people that dbconn.yml names']],
    examples: [
      ['break-glass r4k2 nobody answers', 'runs request r4k2'],
      ['requests', 'shows the ids of requests'],
    ],
  },
  incident: {
    does: 'open incidents, and what to do with them',
    forms: [
      ['incident', 'list the open ones'],
      ['incident open [TARGET] REASON', 'open one by hand'],
      ['incident ack [ID|TARGET]', 'acknowledge it: you become its owner'],
      ['incident silence [ID|TARGET] 2h REASON', 'escalate to nobody until then'],
      ['incident unsilence [ID|TARGET]', 'escalate again'],
      ['incident merge ID|TARGET ID|TARGET', 'make the first a part of the second'],
      ['incident close [ID|TARGET] REASON', 'close it, whatever the alerts say'],
      ['incident reopen [ID|TARGET] REASON', 'open it again'],
    ],
    examples: [
      ['incident ack orders', 'makes you the owner'],
      ['incident silence orders 2h load test', 'is silent for two hours'],
    ],
  },
  escalate: {
    does: 'notify a contact, with a reason',
    forms: [
      ['escalate REASON', 'the database admins'],
      ['escalate backend-lead|on-call REASON', 'somebody else'],
    ],
    examples: [
      ['escalate it fills again', 'notifies the database admins'],
      ['escalate on-call restart failed', 'notifies who is on call'],
    ],
  },
  history: {
    does: 'past incidents, newest first',
    forms: [['history [TARGET]', 'of all targets where none is named']],
    examples: [
      ['history', 'lists those of all targets'],
      ['history orders', 'lists those of orders'],
    ],
  },
  report: {
    does: 'the report of an incident',
    forms: [['report [ID|TARGET]', 'the latest where no id is named']],
    examples: [
      ['report orders', 'the latest incident of orders'],
      ['report inc-0abc1234', 'one incident by its id'],
    ],
  },
  prevention: {
    does: 'settings that prevent the next incident',
    forms: [['prevention [TARGET]', 'of the first target where none is named']],
    examples: [
      ['prevention', 'checks the first target of dbconn.yml'],
      ['prevention orders', 'checks the target named orders'],
    ],
  },
  help: {
    does: 'all words, or how to use one',
    forms: [['help [WORD]', 'the same as WORD help']],
    examples: [
      ['help propose', 'explains how to propose a remedy'],
      ['incident help', 'explains incidents'],
    ],
  },
};

/** The word that was typed, as help knows it. */
export function toWord(typed: string): Word | undefined {
  const lower = typed.toLowerCase();
  return lower === 'incidents' ? 'incident' : allWords.find((word) => word === lower);
}

export const allWords: readonly Word[] = [...groups.flatMap(([, words]) => words), 'help'];

/** `help`, `--help` or `-h`; Slack's own clients turn two hyphens into a dash. */
export function isHelp(typed: string): boolean {
  return /^(?:(?:--|[—–])?help|-h)$/i.test(typed);
}
