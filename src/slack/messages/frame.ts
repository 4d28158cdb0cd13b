import type { Diagnosis, Finding } from '../../runbook/diagnose/diagnosis.ts';
import type { Action } from '../../runbook/remedies/remedy-request.ts';
import type { Target } from '../../runbook/snapshot/target.ts';
import { sentence } from './diagnosis-parts.ts';
import { header, smallPrint, toMessage } from './kit/message.ts';
import type { Message, MessageBlock } from './kit/message.ts';
import {
  bold,
  code,
  link,
  moment,
  paragraph,
  pointsOf,
  richText,
  titledList,
  rich,
} from './kit/rich-text.ts';
import type { Leaf } from './kit/rich-text.ts';

/** A circle for the eye; the word beside it carries the meaning. */
export const stateWords: Readonly<Record<Diagnosis['state'], { mark: string; word: string }>> = {
  fine: { mark: '🟢', word: 'Fine' },
  warning: { mark: '🟠', word: 'Warning' },
  critical: { mark: '🔴', word: 'Critical' },
  unknown: { mark: '⚪', word: 'Unknown' },
};

const rungWords: Readonly<Record<Diagnosis['reach']['via'], string>> = {
  warm: 'the warm connection',
  connection: 'a new connection',
  reserved: 'a reserved slot',
  superuser: 'the superuser connection',
  exec: 'psql inside the container',
  none: 'no way at all',
};

/** What every message is built from. */
export interface View {
  readonly diagnosis: Diagnosis;
  readonly target: Target;
  /** Options that can be proposed here and approved by somebody; none unless given. */
  readonly offers?: readonly Action[];
}

/** The state in words and figures, for a header and for notifications. */
export function stateLine({ state, target, headline }: Diagnosis): string {
  return `${stateWords[state].word}, ${target}: ${headline}`;
}

export function stateHeader(diagnosis: Diagnosis): MessageBlock {
  return header(`${stateWords[diagnosis.state].mark} ${stateLine(diagnosis)}`);
}

/** The answer to a question in a sentence, and what it rests on. */
export function framed(
  view: View,
  { lead, summary }: { readonly lead: string; readonly summary: string },
  blocks: readonly MessageBlock[],
): Message {
  const { diagnosis } = view;
  return toMessage(`${lead} ${diagnosis.target}: ${summary}`, [
    stateHeader(diagnosis),
    sentence(summary),
    ...blocks,
    ...foot(view),
  ]);
}

/** Why the database was not reached as usual, and what to do about it; nothing on an ordinary night. */
export function reachNotice({ reach: { error } }: Diagnosis): MessageBlock[] {
  if (error === undefined) return [];
  return [richText(paragraph(rich`${bold(error.summary)}\n${bold('Fix:')} ${error.fix}`))];
}

/** Findings that status tells in its first line, its lists of blockers and pools, or its options. */
const toldElsewhere = /^(capacity-|pool-near-limit$|lock-waits$|lock-cycle$|terminate-candidates$)/;

/** What else is out of order, worst first, each with its fix. The same said of several pools is said once. */
export function findingsList(
  { findings }: Diagnosis,
  atMost: number,
  title = 'Also found',
): MessageBlock[] {
  const order = ['critical', 'warning', 'info'];
  const worth = findings
    .filter(({ id, severity }) => severity !== 'info' && !toldElsewhere.test(id))
    .toSorted((a, b) => order.indexOf(a.severity) - order.indexOf(b.severity));
  const firsts = worth.filter(
    ({ summary }, index) => worth.findIndex((one) => one.summary === summary) === index,
  );
  return titledList(title, pointsOf(firsts, atMost, findingLeaves));
}

function findingLeaves({ severity, summary, fix }: Finding): Leaf[] {
  return [
    ...rich`${bold(severity === 'critical' ? 'Critical:' : 'Warning:')} ${summary}`,
    ...(fix === undefined ? [] : rich` ${bold('Fix:')} ${fix}`),
  ];
}

/** Below every message: when it was checked, where to read on, and how each figure was obtained. */
export function foot({ diagnosis, target }: View): MessageBlock[] {
  return [...linksLine(target, diagnosis.takenAt), ...smallPrint(provenanceLines(diagnosis))];
}

/** Where to read on: the target's own dashboards, logs and guides; before them when it was checked, where given. */
export function linksLine({ links }: Pick<Target, 'links'>, checkedAt?: string): MessageBlock[] {
  const { dashboard, logs, logQuery, guides } = links;
  const parts: Leaf[][] = [
    ...(checkedAt === undefined ? [] : [rich`Checked at ${moment(checkedAt)}`]),
    ...(dashboard === undefined ? [] : [[link('Dashboard', dashboard)]]),
    ...(logs === undefined ? [] : [[link('Logs', logs)]]),
    ...(logQuery === undefined ? [] : [[code(logQuery)]]),
    ...guides.map(({ title, url }) => [link(title, url)]),
  ];
  if (parts.length === 0) return [];
  const leaves = parts.flatMap((part, index) => (index === 0 ? part : [...rich` · `, ...part]));
  return [richText(paragraph(leaves))];
}

/** Below a message that has lines of its own to add. */
export function provenanceLines(diagnosis: Diagnosis): string[] {
  return [provenance(diagnosis), ladder(diagnosis)];
}

/** `PostgreSQL 18.4 by the warm connection in 12 ms · pools 34 ms · …`. */
function provenance({ reach, server, timings }: Diagnosis): string {
  const ms = (value: number): string => `${Math.round(value)} ms`;
  const database =
    reach.via === 'none'
      ? `PostgreSQL not reached, tried for ${ms(timings.database)}`
      : `PostgreSQL${server === null ? '' : ` ${server.version}`} by ${rungWords[reach.via]} in ${ms(timings.database)}`;
  return [
    database,
    `pools ${ms(timings.pools)}`,
    ...(timings.poolers === undefined ? [] : [`poolers ${ms(timings.poolers)}`]),
    `logs ${ms(timings.logs)}`,
    `containers ${ms(timings.services)}`,
  ].join(' · ');
}

/** What each rung said, where the first one tried did not answer. */
function ladder({ reach }: Diagnosis): string {
  if (reach.error === undefined || reach.rungs.length < 2) return '';
  return `Tried ${reach.rungs.map(({ rung, outcome }) => `${rung}: ${outcome}`).join('; ')}`;
}
