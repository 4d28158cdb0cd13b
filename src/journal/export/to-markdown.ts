import type { ApprovalRequest } from '../../runbook/approval/request.ts';
import type { Incident } from '../../runbook/incident/incident.ts';
import type { JournalEntry } from '../chain.ts';
import type { Verification } from '../verify-journal.ts';
import { toEvent } from './event.ts';
import type { Event } from './event.ts';
import { code, prose } from './markdown.ts';

/** What is exported: all of a journal, or one request or incident of it. */
export interface Exported {
  readonly verification: Verification;
  readonly requests: readonly ApprovalRequest[];
  readonly incidents: readonly Incident[];
  /** In order; those that belong to neither are in an export of everything only. */
  readonly entries: readonly JournalEntry[];
}

/** The record as people read it: each incident's timeline; for each request its plan, its votes and what came of it. */
export function toMarkdown({ verification, requests, incidents, entries }: Exported): string {
  const bySubject = Map.groupBy(entries, ({ request }) => request);
  const others = bySubject.get(null) ?? [];
  return [
    '# dbconn journal',
    toSentence(verification),
    ...incidents.map((incident) => incidentPart(incident, bySubject.get(incident.id) ?? [])),
    ...requests.map((request) => requestPart(request, bySubject.get(request.id) ?? [])),
    ...(others.length === 0 ? [] : ['## Beside incidents and requests', timeline(others)]),
  ]
    .join('\n\n')
    .concat('\n');
}

function toSentence(verification: Verification): string {
  if (verification.ok) {
    const { entries, head } = verification;
    return `The journal is as it was written: ${entries} entries, the last hash is \`${head}\`.`;
  }
  const where = verification.seq === null ? '' : ` Entry ${verification.seq}:`;
  return `**The journal is not as it was written.**${where} ${prose(verification.problem)}`;
}

function incidentPart(incident: Incident, entries: readonly JournalEntry[]): string {
  const { id, target, state, openedAt, severity, closing } = incident;
  const facts = [
    `Target ${prose(target)}, ${severity} at its worst, opened ${openedAt}`,
    `State: ${state}`,
    ...(closing === null ? [] : [prose(closing.sentence)]),
  ];
  return [`## ${id}`, bullets(facts), '### Timeline', timeline(entries)].join('\n\n');
}

function requestPart(request: ApprovalRequest, entries: readonly JournalEntry[]): string {
  const { id, plan, target, state, proposedBy, votes, votesNeeded, hash } = request;
  const facts = [
    `Action ${plan.option} on target ${prose(target)}, risk ${plan.risk}`,
    `Proposed by ${person(proposedBy)}, approved by ${votes.map(({ by }) => person(by)).join(', ') || 'nobody'} (${votes.length} of ${votesNeeded} votes)`,
    `State: ${state}`,
    ...outcomeFacts(request),
    `Hash of the plan: \`${hash}\``,
  ];
  return [
    `## ${id}: ${prose(plan.title)}`,
    bullets(facts),
    '### Timeline',
    timeline(entries),
    '### Plan',
    planPart(request),
    ...resultPart(request),
  ].join('\n\n');
}

function outcomeFacts({ result, closing }: ApprovalRequest): string[] {
  const outcome = result?.outcome ?? null;
  const refill = outcome?.refill;
  return [
    ...(closing === null ? [] : [prose(closing.sentence)]),
    ...(result === null ? [] : [`Result: ${prose(result.report.summary)}`]),
    ...(outcome === null ? [] : [`Outcome: **${outcome.word}**. ${prose(outcome.sentence)}`]),
    ...(refill === undefined ? [] : [`Taken again by ${code(refill.application)}`]),
  ];
}

function planPart({ plan }: ApprovalRequest): string {
  const { steps, cost, frees, undo, targets, spared, sparedTotal } = plan;
  return bullets([
    ...steps.map((step, index) => `Step ${index + 1}: ${prose(step)}`),
    ...cost.map((line) => `Cost: ${prose(line)}`),
    prose(frees.sentence),
    `Undo: ${prose(undo)}`,
    ...targets.map((target) => `Target: ${targetLine(target)}`),
    ...spared.map(
      ({ what, label, reason }) => `Spared: ${prose(what)} ${code(label)}, ${prose(reason)}`,
    ),
    ...(sparedTotal > spared.length ? [`Spared besides: ${sparedTotal - spared.length}`] : []),
  ]);
}

/** Every field it has, so that none of a new kind of target is forgotten. */
function targetLine(target: object): string {
  return Object.entries(target)
    .map(([name, value]: [string, unknown]) => {
      if (typeof value === 'string') return `${name} ${code(value)}`;
      if (typeof value === 'object' && value !== null) return targetLine(value);
      return `${name} ${String(value)}`;
    })
    .join(', ');
}

function resultPart({ result }: ApprovalRequest): string[] {
  if (result === null || result.report.items.length === 0) return [];
  const items = result.report.items.map(({ what, outcome, detail, lines }) =>
    [`${prose(what)}: **${outcome}**. ${prose(detail)}`, ...lines.map(code)].join('<br>'),
  );
  return ['### Result', bullets(items)];
}

function timeline(entries: readonly JournalEntry[]): string {
  const rows = entries.map((entry) => row(toEvent(entry)));
  return ['| Time (UTC) | Who | What | Entry |', '| --- | --- | --- | --- |', ...rows].join('\n');
}

function row({ seq, at, who, what, quote, hash }: Event): string {
  const quoted = quote === null ? '' : ` ${code(quote).replaceAll('|', '\\|')}`;
  return `| ${at} | ${prose(who ?? 'dbconn')} | ${prose(what)}${quoted} | ${seq} \`${hash.slice(0, 12)}\` |`;
}

function person({ id, via }: ApprovalRequest['proposedBy']): string {
  return prose(`${id} (${via})`);
}

function bullets(lines: readonly string[]): string {
  return lines.map((line) => `- ${line}`).join('\n');
}
