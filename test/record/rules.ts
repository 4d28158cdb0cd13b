/** What differs between two runs of the same code, and what stands for it in a recording. Nothing else belongs here. */
export interface Rule {
  /** Stands in the recording as `<name>`, or as `<name 1>`, `<name 2>` by first appearance where `numbered`. */
  readonly name: string;
  readonly pattern: RegExp;
  readonly why: string;
  readonly numbered?: true;
  /** Only where a real server, real processes and the real clock are looked at. */
  readonly live?: true;
}

/** Applied one after the other. `npm run record -- --check A B …` says which of them these recordings do not need. */
export const rules: readonly Rule[] = [
  {
    name: 'message',
    pattern: /\bp?1\d{9}\.?\d{6}\b/g,
    why: 'Slack names a message by the time it came.',
  },
  {
    name: 'incident',
    pattern: /\binc-[0-9a-z]{8}\b/g,
    numbered: true,
    why: 'Incidents have random ids.',
  },
  {
    name: 'request',
    pattern: /\b(?=[a-f]*\d)[0-9a-f]{12}\b/g,
    numbered: true,
    why: 'Requests have random ids.',
  },
  {
    name: 'block',
    pattern: /(?<=dbconn_(?:request|status|incident|checklist)\.)[0-9a-z]+/g,
    why: 'A sum over what has times and ids in it.',
  },
  { name: 'hash', pattern: /\b[0-9a-f]{64}\b/g, why: 'A hash over what has times and ids in it.' },
  {
    name: 'unix',
    pattern: /\b1\d{9}\b/g,
    why: 'The clock, as Slack draws it in each reader’s time zone.',
  },
  { name: 'instant', pattern: /\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z/g, why: 'The clock.' },
  { name: 'time', pattern: /\b\d\d:\d\d:\d\d(?:\.\d+)?\b/g, why: 'The clock.' },
  {
    name: 'direct',
    pattern: /\bD[0-9A-Z]{10}\b/g,
    numbered: true,
    why: 'Slack makes up the id of a direct conversation.',
  },
  { name: 'took', pattern: /(?<=, )\d+\.\d(?= s\b)/g, why: 'How long a step took.' },
  { name: 'entry', pattern: /(?<=journal entry )\d+/g, why: 'What is written side by side.' },
  {
    name: 'reference',
    pattern: /(?<=under )[0-9a-f]{8}\b/g,
    why: 'Random, to find it in the log.',
  },
  {
    name: 'folder',
    pattern: /[\w/.-]*\/dbconn-[a-z]+-\w{6}\b/g,
    why: 'A test’s own folder.',
  },
  { name: 'port', pattern: /(?<=127\.0\.0\.1:)\d+/g, why: 'The system gives a free port.' },
  {
    name: 'statement',
    pattern: /\b(?:SELECT|INSERT|UPDATE|DELETE|COMMIT|BEGIN)\b.*|\(not visible\)/g,
    live: true,
    why: 'Which of its statements a session ran last.',
  },
  {
    name: 'way',
    pattern: /(?<=by )(?:the warm|a new)(?= connection)/g,
    live: true,
    why: 'After a restart or a standstill it is one or the other.',
  },
  {
    name: 'amount',
    pattern:
      /\b\d+ (?:s|min|seconds?|minutes?|sessions?|requests?|lines?|replicas?|containers?)\b/g,
    live: true,
    why: 'How long it took and how many there were: one, or two.',
  },
  {
    name: 'figure',
    pattern: /(?<!<[a-z]+ )(?<![\w.])\d+(?:\.\d+)*/g,
    live: true,
    why: 'Sessions, process ids, ages and durations of real servers.',
  },
  {
    name: 'cut',
    pattern: /(?<=UTC \[<figure>\] .*)\S+…$/g,
    live: true,
    why: 'A longer process id leaves less room for the line of a log.',
  },
  {
    name: 'full',
    pattern: /(?<=usable connections)(?:: full)?/g,
    live: true,
    why: 'The last slot is free for a moment, or not.',
  },
  {
    name: 'times',
    pattern: /(?<=checked out \(<figure>%\))(?:, <figure> times)?/g,
    live: true,
    why: 'Replicas whose pools are as full as each other are told together.',
  },
  { name: 'bars', pattern: /[▁-█]+/g, live: true, why: 'A graph of as many looks as there were.' },
];

/** Drills about what happens at the same moment: who is first, how often something is said, differs each time. */
export const racing: readonly RegExp[] = [
  /^drills\/dialogs\/a-press-that-is-too-late/,
  /^drills\/votes\/two-approvers-at-the-same-moment/,
  /^drills\/votes\/a-proposal-that-another-process-recorded/,
  /^cli\/records\/an-incident-that-somebody-opens/,
  /^slack\/incident-board\/of-a-storm/,
];

/** Lines of a live list that are there or not: what logs say that were written by the way, what they leave no room for, and what is told only where the end of an alert takes its time. */
export const unsteady =
  /recent log lines? says?|All services together may open|still fires?\. The incident stays open/;

/** What is recorded of real servers and processes. */
export const live = /^(?:tour|cli\/change)\/|^drills\/(?:patient|process)\//;
