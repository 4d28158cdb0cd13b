import type { Approvals } from '../../runbook/approvals/approvals.ts';
import type { Stop } from '../../runbook/approvals/journal.ts';
import type { Place } from '../../runbook/approvals/notices.ts';
import { isOpen } from '../../runbook/approvals/request.ts';
import type { ApprovalRequest } from '../../runbook/approvals/request.ts';
import type { StepProgress } from '../../runbook/remedies/remedy.ts';
import { Card } from './request-card.ts';
import type { CardsOptions } from './request-card.ts';
import { settleWithin } from './rounds.ts';

/** The live messages of all requests. */
export interface Cards {
  readonly channel: string | undefined;
  /** Something about a request changed. Returns at once and never throws; Slack hears of it in its own time. */
  tell(request: ApprovalRequest, update?: StepProgress): void;
  /** Resolves when its card stands in the channel and is up to date, with what kept it from that otherwise. */
  shown(id: string): Promise<string | undefined>;
  /** A press on a card whose place is not known: the card is there, wherever the journal thinks it is. */
  found(request: ApprovalRequest, place: Place): void;
  /** Where the card of a request stands, as far as anybody knows. */
  placeOf(id: string): Promise<Place | undefined>;
  /** The emergency stop, for every open card; null when changes may run again. */
  tellStop(stop: Stop | null): void;
  /** Shows what other processes changed: proposals of the terminal, and ends that were reached elsewhere. */
  catchUp(approvals: Pick<Approvals, 'list' | 'get' | 'stopped'>): Promise<void>;
  /** Requests that ended shortly before this process began: the process that told of them may have been killed before the end. */
  finish(ended: readonly ApprovalRequest[]): void;
  /** Waits until Slack has heard everything; after `ms` without patience. */
  drain(ms: number): Promise<void>;
}

export function createCards(options: CardsOptions): Cards {
  const cards = new Map<string, Card>();
  let stop: Stop | null = null;
  const cardOf = (request: ApprovalRequest, isNew = false): Card => {
    const known = cards.get(request.id);
    if (known !== undefined) return known;
    const card = new Card(request, { ...options, isNew }, () => {
      if (!isOpen(card.request) && !card.isBehind) cards.delete(request.id);
    });
    card.tellStop(stop);
    cards.set(request.id, card);
    return card;
  };
  const tellStop = (set: Stop | null): void => {
    stop = set;
    for (const card of cards.values()) card.tellStop(set);
  };
  return {
    channel: options.channel,
    // Proposed this moment, in this process: nobody else can have told of it.
    tell: (request, update) =>
      cardOf(request, request.state === 'proposed' && request.votes.length === 0).tell(
        request,
        update,
      ),
    finish(ended) {
      for (const request of ended) cardOf(request).show(request);
    },
    async shown(id) {
      const card = cards.get(id);
      await card?.settled();
      return card?.problem;
    },
    found: (request, place) => cardOf(request).found(request, place),
    placeOf: (id) => options.places.readPlace(id),
    tellStop,
    async catchUp(approvals) {
      const stopped = await approvals.stopped();
      if (stopped.ok) tellStop(stopped.value);
      const open = await approvals.list();
      if (!open.ok) return;
      const ids = new Set(open.value.map(({ id }) => id));
      for (const request of open.value) cardOf(request).show(request);
      for (const id of [...cards.keys()].filter((known) => !ids.has(known))) {
        const ended = await approvals.get(id);
        if (ended.ok) cardOf(ended.value).show(ended.value);
      }
    },
    async drain(ms) {
      const all = [...cards.values()];
      await settleWithin(
        options.outbox,
        ms,
        all.map((card) => card.settled()),
      );
      for (const card of all) card.stop();
    },
  };
}
