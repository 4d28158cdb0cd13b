import type { ApprovalRequest } from '../../runbook/approvals/request.ts';
import type { Incident } from '../../runbook/incidents/incident.ts';
import { cleanUntrusted } from '../../runbook/snapshot/redaction/redact-text.ts';
import { readBody } from '../chain.ts';
import type { JournalEntry, Verification } from '../chain.ts';
import { toEvent } from './event.ts';
import type { Event } from './event.ts';

const longestCode = 500;

/** Text of others as a code span: nothing in it is markup, and it cannot end the span by itself. */
function code(text: string): string {
  const clean = cleanUntrusted(text, longestCode);
  const runs = [...clean.matchAll(/`+/g)].map(([run]) => run.length);
  const backticks = '`'.repeat(Math.max(0, ...runs) + 1);
  const pad = runs.length > 0 || clean === '' ? ' ' : '';
  return `${backticks}${pad}${clean}${pad}${backticks}`;
}

/** A sentence of dbconn's, in which nothing is markup either. */
function prose(text: string): string {
  return cleanUntrusted(text, 5000).replaceAll(/[\\`*_[\]<>|#~&]/g, (sign) => `\\${sign}`);
}

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
  const { steps, cost, frees, undo, targets, skipped, skippedTotal } = plan;
  return bullets([
    ...steps.map((step, index) => `Step ${index + 1}: ${prose(step)}`),
    ...cost.map((line) => `Cost: ${prose(line)}`),
    prose(frees.sentence),
    `Undo: ${prose(undo)}`,
    ...targets.map((target) => `Target: ${targetLine(target)}`),
    ...skipped.map(
      ({ what, label, reason }) => `Spared: ${prose(what)} ${code(label)}, ${prose(reason)}`,
    ),
    ...(skippedTotal > skipped.length ? [`Spared besides: ${skippedTotal - skipped.length}`] : []),
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

interface JournalExport extends Omit<Exported, 'entries'> {
  readonly version: 1;
  /** With their bodies read. */
  readonly entries: readonly (Omit<JournalEntry, 'body'> & { readonly body: unknown })[];
}

/**
 * The record for programs. Entries are complete: the hash of each can be recomputed from it, as
 * SHA-256 of `JSON.stringify([seq, at, request, kind, JSON.stringify(body), previous])`.
 */
export function toExport({ entries, ...exported }: Exported): JournalExport {
  const read = entries.map((entry) => ({ ...entry, body: readBody(entry.body) }));
  return { version: 1, ...exported, entries: read };
}
