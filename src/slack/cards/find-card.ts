import { isOpen } from '../../runbook/approval/request.ts';
import type { Request } from '../../runbook/approval/request.ts';
import type { Place, Places } from '../../runbook/ports.ts';
import type { Said } from '../said.ts';

/** What the message of a request is found again by, unseen by people. */
export function cardKeyOf({ id }: Pick<Request, 'id'>): string {
  return `request:${id}`;
}

/** Of the last reply in its thread. The card is written before it: where this stands, nothing is left to say. */
export function endKeyOf({ id }: Pick<Request, 'id'>): string {
  return `request:${id}:end`;
}

/** Where cards may stand, as the journal and Slack know it. */
export interface CardPlaces {
  readonly places: Places;
  /** The incident channel's id; without one no card can be posted. */
  readonly channel: string | undefined;
  /** What stands in Slack already; without it a process that was killed may have said more than the next one knows. */
  readonly said?: Said;
}

interface FoundCard {
  readonly place: Place | undefined;
  /** It stands in Slack, and the journal does not know: killed between the two, or Slack's answer was lost. */
  readonly isUnrecorded: boolean;
  /** Where Slack does not let it be read, the end is not said: it might be the second time. */
  readonly isEndTold: boolean | 'unknown';
}

/** What another process, or a call whose end nobody knows, left in Slack of a request's card. */
export async function findCard(options: CardPlaces, request: Request): Promise<FoundCard> {
  const { places, said } = options;
  const recorded = await places.readPlace(request.id);
  const place = recorded ?? (await findInChannel(options, request));
  const isUnrecorded = recorded === undefined && place !== undefined;
  if (isOpen(request) || place === undefined) return { place, isUnrecorded, isEndTold: false };
  const replies = await said?.inThread(place);
  const endKey = endKeyOf(request);
  const isEndTold = replies?.some(({ key }) => key === endKey) ?? 'unknown';
  return { place, isUnrecorded, isEndTold };
}

async function findInChannel(
  { channel, said }: Pick<CardPlaces, 'channel' | 'said'>,
  request: Request,
): Promise<Place | undefined> {
  if (channel === undefined) return undefined;
  const all = await said?.inChannel(channel, request.proposedAt);
  const own = all?.find(({ key }) => key === cardKeyOf(request));
  return own === undefined ? undefined : { channel, ts: own.ts };
}
