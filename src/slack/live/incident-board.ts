import type { Logger } from 'pino';
import type { Place } from '../../runbook/approvals/notices.ts';
import type { IncidentLog } from '../../runbook/incidents/incident-log.ts';
import type { Action } from '../../runbook/remedies/remedy-request.ts';
import type { IncidentBoard, IncidentMarks } from '../../runbook/reports/incident-board.ts';
import type { Target } from '../../runbook/snapshot/target.ts';
import { questionMessage, writeIncident } from '../messages/incident-card.ts';
import { mostRequests } from '../messages/incident-remedies.ts';
import { IncidentCard } from './incident-card.ts';
import type { CardParts } from './incident-card.ts';
import { calmIncidents, slackIntervals } from './outbox.ts';
import type { CardIntervals } from './outbox.ts';
import { postReport } from './post-report.ts';
import { settleWithin } from './rounds.ts';
import { postOnce } from './writer.ts';
import type { SlackWriter } from './writer.ts';

export interface IncidentBoardOptions {
  readonly log: Pick<IncidentLog, 'readNotes'>;
  readonly marks: IncidentMarks;
  readonly targets: readonly Target[];
  /** The options that can be proposed for a target and approved by somebody. */
  readonly offers: (target: string) => readonly Action[];
  /** Whether this process leads the incidents at this moment, and so may write of them. */
  readonly isLeading: () => boolean;
  readonly intervals?: Partial<CardIntervals>;
}

interface BoardParts extends IncidentBoardOptions {
  /** The address of a request's card, or undefined where it has none. Never rejects. */
  readonly linkTo: (request: string) => Promise<string | undefined>;
  readonly writer: SlackWriter;
  /** The incident channel's id; without one no incident can be shown. */
  readonly channel: string | undefined;
  readonly logger: Logger;
}

/** Ended incidents whose cards are kept for their last changes; older ones are found again in the journal. */
const mostKept = 50;

/** One live message for each incident in the incident channel, and its thread. */
export function createIncidentBoard(parts: BoardParts): IncidentBoard {
  const { writer, marks } = parts;
  const cards = new Map<string, IncidentCard>();
  const isOpen = ({ view }: IncidentCard): boolean => view.incident.state === 'open';
  const slowdown = (): number =>
    Math.max(1, [...cards.values()].filter(isOpen).length / calmIncidents);
  const cardParts: CardParts = {
    ...parts,
    write: writerOf(parts),
    intervals: { ...slackIntervals, ...parts.intervals },
    slowdown,
  };
  const placeOf = async (id: string): Promise<Place | undefined> =>
    cards.get(id)?.place ?? (await marks.readMark(id))?.place;
  const threadOf = async (id: string): Promise<Place> => {
    const place = await placeOf(id);
    if (place === undefined) throw new Error('This incident has no message in Slack yet.');
    return place;
  };
  const forgetOld = (): void => {
    const ended = [...cards].filter(([, card]) => !isOpen(card) && !card.isBehind);
    for (const [id, card] of ended.slice(0, Math.max(0, ended.length - mostKept))) {
      card.close();
      cards.delete(id);
    }
  };
  return {
    show(view) {
      const { id } = view.incident;
      const card = cards.get(id);
      if (card !== undefined) {
        card.show(view);
        return;
      }
      cards.set(id, new IncidentCard(view, cardParts));
      forgetOld();
    },
    async report(incident, report) {
      await postReport(writer, await threadOf(incident.id), { incident, report });
    },
    async ask({ id }, { key, sentence }) {
      const where = { thread: await threadOf(id), key, notifies: true };
      await postOnce(writer, questionMessage(sentence), where);
    },
    placeOf,
    doubt() {
      for (const card of cards.values()) card.doubt();
    },
    idle(withinMs) {
      const all = [...cards.values()];
      return settleWithin(
        writer.outbox,
        withinMs,
        all.map((card) => card.idle()),
      );
    },
  };
}

function writerOf({ targets, offers, linkTo }: BoardParts): CardParts['write'] {
  const known = new Map(targets.map((target) => [target.name, target]));
  return async (view, isReplacement) => {
    const { target: name } = view.incident;
    const found = await Promise.all(
      view.requests.slice(-mostRequests).map(async ({ id }) => [id, await linkTo(id)] as const),
    );
    const links = new Map(found.flatMap(([id, url]) => (url === undefined ? [] : [[id, url]])));
    // Absent where it was taken out of the configuration while its incident was open.
    const target = known.get(name);
    return writeIncident(view, {
      isReplacement,
      links,
      ...(target !== undefined && { target, offers: offers(name) }),
    });
  };
}
