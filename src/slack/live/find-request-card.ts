import type { Place, Places } from '../../runbook/approvals/notices.ts';
import { isOpen } from '../../runbook/approvals/request.ts';
import type { ApprovalRequest } from '../../runbook/approvals/request.ts';
import { findKeyed, keepFirst, remove } from './writer.ts';
import type { ReadWriting } from './writer.ts';

/** What the message of a request is found again by, unseen by people. */
export function cardKeyOf({ id }: Pick<ApprovalRequest, 'id'>): string {
  return `request:${id}`;
}

/** Of the last reply in its thread. The card is written before it: where this stands, nothing is left to say. */
export function endKeyOf({ id }: Pick<ApprovalRequest, 'id'>): string {
  return `request:${id}:end`;
}

/** Where cards may stand, as the journal and Slack know it. */
export interface CardPlaces extends ReadWriting {
  readonly places: Places;
  /** The incident channel's id; without one no card can be posted. */
  readonly channel: string | undefined;
}

interface FoundCard {
  readonly place: Place | undefined;
  /** It stands in Slack, and the journal did not know: killed between the two, or Slack's answer was lost. */
  readonly wasUnrecorded: boolean;
  /** Where Slack does not let it be read, the end is not said: it might be the second time. */
  readonly isEndTold: boolean | 'unknown';
}

interface Known {
  /** Where this process put it, whether or not the journal knows. */
  readonly own?: Place | undefined;
  /** Where it was, and is no more. */
  readonly gone?: Place;
}

/** What another process, or a call whose end nobody knows, left in Slack of a request's card. */
export async function findCard(
  options: CardPlaces,
  request: ApprovalRequest,
  { own, gone }: Known,
): Promise<FoundCard> {
  const { places } = options;
  const recorded = await places.readPlace(request.id);
  const known = recorded?.ts === gone?.ts ? undefined : recorded;
  const standing = await findStanding(options, request).catch((error: unknown) => {
    // Only whether there is a second card is left open, and nobody should wait for that.
    if (known === undefined) throw error;
    return undefined;
  });
  const after = standing?.find(({ ts }) => Number(ts) > Number(gone?.ts ?? 0));
  const found = known ?? after ?? own;
  const wasUnrecorded = known === undefined && found !== undefined;
  const place = wasUnrecorded ? await places.writePlace(request.id, found, recorded) : found;
  if (place !== undefined) await removeOthers(options, place, standing);
  const isEndTold =
    place !== undefined && !isOpen(request) && (await isTold(options, request, place));
  return { place, wasUnrecorded, isEndTold };
}

/** Its messages in the channel, oldest first; undefined where Slack does not let them be read. */
async function findStanding(
  options: CardPlaces,
  request: ApprovalRequest,
): Promise<readonly Place[] | undefined> {
  const { channel } = options;
  if (channel === undefined) return undefined;
  const where = { channel, since: request.proposedAt };
  const found = await findKeyed(options, where, cardKeyOf(request));
  return found?.map((ts) => ({ channel, ts }));
}

/** Two processes posted it in the same moment, and one was killed before it could take its own away. */
async function removeOthers(
  options: CardPlaces,
  { ts }: Place,
  standing: readonly Place[] = [],
): Promise<void> {
  // It may be gone itself: then another process is about to record a new one.
  if (!standing.some((one) => one.ts === ts)) return;
  for (const one of standing) if (one.ts !== ts) await remove(options, one);
}

async function isTold(
  options: CardPlaces,
  request: ApprovalRequest,
  place: Place,
): Promise<boolean | 'unknown'> {
  const found = await keepFirst(options, { thread: place }, endKeyOf(request));
  return found === undefined ? 'unknown' : found !== null;
}
