import { toText } from '../../../sandbox/message-text.ts';
import type { SlackOptions } from '../../../sandbox/slack/options.ts';
import type { LocalSlack } from '../../../sandbox/slack/server.ts';
import type { SlackMessage } from '../../../sandbox/slack/workspace.ts';
import { createIncidentMarks } from '../../../src/journal/message-places.ts';
import type { StoredJournal } from '../../../src/journal/stored-journal.ts';
import { toDraft } from '../../../src/runbook/incidents/incident-log.ts';
import type { Note } from '../../../src/runbook/incidents/incident-log.ts';
import type { Incident } from '../../../src/runbook/incidents/incident.ts';
import type { IncidentView } from '../../../src/runbook/incidents/incidents.ts';
import type { IncidentBoard } from '../../../src/runbook/reports/incident-board.ts';
import { createNotifier } from '../../../src/slack/live/notifier.ts';
import type { CardIntervals } from '../../../src/slack/live/outbox.ts';
import { buildIncident } from '../../journal/build-incident.ts';
import { makeJournalFolder } from '../../journal/temporary-journal.ts';
import { patienceMs } from '../../support/until.ts';
import { aDiagnosis, aTarget } from './diagnoses.ts';
import { aLog, botToken, database, openSlack } from './workspace.ts';

export function aView(changes: Partial<IncidentView> = {}): IncidentView {
  return {
    incident: buildIncident({ target: 'orders' }),
    diagnosis: aDiagnosis(),
    requests: [],
    ineffective: [],
    ...changes,
  };
}

/** Fast, so that a test waits for what happens and never for the pace. */
const quick: CardIntervals = {
  urgentMs: 0,
  figuresMs: 0,
  refreshMs: 0,
  retryMs: 20,
  longestRetryMs: 40,
};

/** A local Slack and a journal that outlive the boards on them. */
export interface BoardWorld {
  readonly slack: LocalSlack;
  readonly journal: StoredJournal;
  readonly incident: Incident;
  readonly lines: readonly string[];
  /** As a process that was just started. */
  board(
    intervals?: Partial<CardIntervals>,
    sendIntervalMs?: number,
    apiUrl?: string,
  ): IncidentBoard;
  note(sentence: string | null, more?: Partial<Note>): Promise<void>;
  /** The incident's messages in the channel itself. */
  parents(): readonly SlackMessage[];
  replies(): readonly SlackMessage[];
  close(): Promise<void>;
}

export async function openBoardWorld(
  options: { readonly slack?: Partial<SlackOptions>; readonly id?: string } = {},
): Promise<BoardWorld> {
  const slack = await openSlack('http', options.slack);
  const folder = makeJournalFolder();
  const journal = await folder.open();
  const { log, lines } = aLog();
  const incident = buildIncident({
    target: 'orders',
    openedAt: new Date().toISOString(),
    ...(options.id !== undefined && { id: options.id }),
  });
  await journal.openIncident(incident, toDraft(incident.id, aNote('An alert fired.')));
  const boards: IncidentBoard[] = [];
  const messages = (): readonly SlackMessage[] =>
    slack.state.channels.find(({ id }) => id === database)?.messages ?? [];
  return {
    slack,
    journal,
    incident,
    lines,
    board(intervals = {}, sendIntervalMs = 0, apiUrl = slack.apiUrl) {
      const news = createNotifier({
        botToken,
        apiUrl,
        channel: database,
        places: {
          readPlace: () => Promise.resolve(undefined),
          writePlace: (_id, place) => Promise.resolve(place),
        },
        log,
        sendIntervalMs,
      });
      const board = news.openBoard({
        log: journal,
        marks: createIncidentMarks(journal),
        targets: [aTarget()],
        offers: () => ['A', 'C'],
        isLeading: () => true,
        intervals: { ...quick, ...intervals },
      });
      boards.push(board);
      return board;
    },
    async note(sentence, more = {}) {
      await journal.record(toDraft(incident.id, { ...aNote(sentence), ...more }));
    },
    parents: () => messages().filter(({ thread_ts: thread }) => thread === undefined),
    replies: () => messages().filter(({ thread_ts: thread }) => thread !== undefined),
    async close() {
      await Promise.all(boards.map((board) => board.idle(patienceMs)));
      await slack.close();
      folder.close();
    },
  };
}

function aNote(sentence: string | null): Note {
  return { kind: 'incident-seen', sentence };
}

export function textOf(messages: readonly SlackMessage[]): string {
  return messages.map((message) => toText(message)).join('\n');
}
