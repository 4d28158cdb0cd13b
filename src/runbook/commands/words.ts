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

/** Words that set something in motion: a proposal, a stop, a call for help. None changes a database by itself. */
export const changingWords = [
  'propose',
  'preview',
  'requests',
  'stop',
  'go',
  'break-glass',
  'escalate',
  'incident',
] as const;

type ChangingWord = (typeof changingWords)[number];

/** Words that ask what the record holds, or what it advises. */
export const recordWords = ['history', 'report', 'prevention'] as const;
export type RecordWord = (typeof recordWords)[number];

/** What each word answers, in the runbook's order; help shows these lines. */
export const descriptions: Readonly<
  Record<ReadOnlyWord | ChangingWord | RecordWord | 'help', string>
> = {
  status: 'how full PostgreSQL is, who fills it, the likely cause and what to do',
  sources: 'connections by user, application, client and database',
  sessions: 'the oldest connections, transactions and queries',
  idle: 'sessions idle in transaction, and where they come from',
  blocking: 'who waits for whom, and the root blockers',
  pool: "the applications' pools, and the budget of who may open how many",
  logs: 'what the logs say about connections',
  causes: "the runbook's six causes, with the evidence for and against",
  doctor: 'whether dbconn can see and reach what it needs, and how to mend it',
  propose: 'one of the options below; it runs after an approval',
  preview: 'the plan of one of them, for you alone; nothing is recorded',
  requests: 'what is proposed or running',
  stop: '[reason]: stop all changes, now and until go; anybody may',
  go: '[reason]: let changes run again; an approver may',
  'break-glass': 'ID REASON: run a proposal without its votes, where that is configured',
  escalate: '[database-admins|backend-lead|on-call] REASON: ask them for help',
  incident: 'the open incidents, and what can be done with one: see below',
  history: 'the incidents that were',
  report: 'ID or target: what an incident was',
  prevention: "the runbook's settings against reality, and what to change",
  help: 'these words',
};

/** How proposals are typed, and what each is for; help shows these lines. */
export const proposalUsages: readonly (readonly [usage: string, what: string])[] = [
  [
    'propose A [APPLICATION] [over 30m]',
    "end transactions left open, or one application's idle sessions",
  ],
  ['propose B [CONNECTIONS]', 'raise max_connections and restart PostgreSQL'],
  ['propose C SERVICE', 'restart a service, one replica after the other'],
  ['propose D', 'stop what blocks the others'],
  ['propose D slow [over 1m]', 'cancel statements that run for too long'],
  ['propose E SERVICE [SIZE OVERFLOW]', "resize a service's pool"],
  [
    'propose prevention idle-in-transaction|idle-session [for ROLE] DURATION|off|reset',
    'let PostgreSQL end forgotten sessions itself',
  ],
  [
    'propose prevention connection-limit for ROLE CONNECTIONS|off',
    'hold back new sessions of one role',
  ],
  ['propose prepared GID', 'roll back a prepared transaction'],
  ['cancel PID', 'end what one session is doing'],
  ['kill PID', 'end one session'],
  ['preview …', 'the plan of any of these, for you alone; nothing is recorded'],
];

/** How incidents are spoken to; help shows these lines. */
export const incidentUsages: readonly (readonly [usage: string, what: string])[] = [
  ['incident', 'the open ones'],
  ['incident open [TARGET] REASON', 'open one by hand'],
  ['incident have [ID|TARGET]', 'say that you have it; the others know'],
  ['incident silence [ID|TARGET] 2h REASON', 'nobody is called until then'],
  ['incident unsilence [ID|TARGET]', 'they are called again'],
  ['incident merge ID|TARGET ID|TARGET', 'make the first a part of the second'],
  ['incident close [ID|TARGET] REASON', 'it is over, whatever the alerts say'],
  ['incident reopen [ID|TARGET] REASON', 'it is not over'],
];
