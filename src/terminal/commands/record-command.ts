import type { StoredJournal } from '../../journal/stored-journal.ts';
import type { Actor } from '../../runbook/approvals/request.ts';
import type { Command } from '../../runbook/commands/parse-command.ts';
import type { IncidentCommand, RecordCommand } from '../../runbook/commands/parse-incident.ts';
import { findReported } from '../../runbook/incidents/incident-log.ts';
import type { Incident } from '../../runbook/incidents/incident.ts';
import type { Answer } from '../../runbook/remedies/remedy.ts';
import { gatherReport } from '../../runbook/reports/reporter.ts';
import { toMarkdown } from '../../runbook/reports/to-markdown.ts';
import { systemClock } from '../../timing.ts';
import { exitCodes, refused } from '../output.ts';
import type { CommandResult } from '../output.ts';
import { wrap } from '../render/layout.ts';
import type { Paint } from '../render/layout.ts';
import { renderRefusal } from '../render/plan.ts';
import { renderIncidents, renderOpened } from '../render/requests.ts';
import { withJournal } from './journal-command.ts';
import type { App } from '../../app/deps.ts';

/** What is asked of the record of incidents; only `prevention` takes a look instead. */
type RecordInput = IncidentCommand | RecordCommand;

export interface RecordParts {
  readonly app: App;
  readonly actor: Actor;
  readonly json: boolean;
  readonly paint: Paint;
}

/** `incidents`, `incident open`, `history` and `report`. Throws JournalUnavailable. */
export async function runRecordCommand(
  parts: RecordParts,
  asked: RecordInput,
): Promise<CommandResult> {
  const { app } = parts;
  if (asked.kind === 'record') {
    return withJournal(app, (journal) =>
      asked.word === 'report'
        ? report(parts, journal, asked)
        : history(parts, asked.target ?? undefined),
    );
  }
  if (asked.word === 'list') return withJournal(app, () => list(parts));
  if (asked.word === 'open') return open(parts, asked);
  return refused(
    'The terminal does not prove who you are: it may show incidents and open them. Do that in Slack.',
  );
}

type CallForHelp = Extract<Command, { kind: 'escalate' }>;

/**
 * `escalate` while the target has an open incident: written down, for the bot that leads to call. Undefined where
 * there is none, and so nobody who would hear of it. Throws JournalUnavailable.
 */
export async function callForHelp(
  { app, actor }: Pick<RecordParts, 'app' | 'actor'>,
  { target, ask }: CallForHelp,
): Promise<CommandResult | undefined> {
  let answer: CommandResult | undefined;
  await withJournal(app, async () => {
    const incidents = await app.incidents();
    const current = await incidents.current(target);
    if (!current.ok || current.value?.state !== 'open') return refused('');
    const { id } = current.value;
    answer = toResult(await incidents.escalate(id, actor, ask), () =>
      wrap(
        `Written down for ${ask.role}, as a part of incident ${id}. The bot that shares this journal calls them within seconds; if none runs, call by hand.`,
      ),
    );
    return answer;
  });
  return answer;
}

async function list(parts: RecordParts): Promise<CommandResult> {
  const listed = await (await parts.app.incidents()).list();
  return toResult(listed, (incidents) =>
    toText(parts, incidents, { title: 'Open incidents', none: 'No incident is open.' }),
  );
}

async function history(parts: RecordParts, target: string | undefined): Promise<CommandResult> {
  const incidents = await parts.app.incidents();
  return toResult(await incidents.history(target), (found) =>
    toText(parts, found, { title: 'Incidents, newest first', none: 'There was no incident.' }),
  );
}

type Open = Extract<IncidentCommand, { word: 'open' }>;

async function open(
  { app, actor, json }: RecordParts,
  { target, reason }: Open,
): Promise<CommandResult> {
  const incidents = await app.incidents();
  return toResult(await incidents.open(target, actor, reason), (incident) =>
    json ? JSON.stringify(incident, null, 2) : renderOpened(incident),
  );
}

async function report(
  { app: { config }, json }: RecordParts,
  journal: StoredJournal,
  { id, target }: RecordCommand,
): Promise<CommandResult> {
  const incident = await findReported(journal, { id, target });
  if (incident === undefined) return refused('There is no such incident. See dbconn history.');
  const targets = config.targets.map(({ target: one }) => one);
  const written = await gatherReport({ log: journal, targets }, incident);
  const text = json ? JSON.stringify(written, null, 2) : toMarkdown(written).trimEnd();
  return { text, code: exitCodes.fine };
}

interface Words {
  readonly title: string;
  readonly none: string;
}

function toText(
  { json, paint }: RecordParts,
  incidents: readonly Incident[],
  words: Words,
): string {
  if (json) return JSON.stringify(incidents, null, 2);
  return renderIncidents(incidents, { ...words, nowMs: systemClock.now(), paint });
}

function toResult<T>(answer: Answer<T>, words: (value: T) => string): CommandResult {
  if (!answer.ok) return refused(renderRefusal(answer.refusal));
  return { text: words(answer.value), code: exitCodes.fine };
}
