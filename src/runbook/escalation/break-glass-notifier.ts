import { isoNow, within } from '../../timing.ts';
import type { Clock } from '../../timing.ts';
import type { Journal } from '../approvals/journal.ts';
import type { Announcement, Announcements } from '../approvals/notices.ts';
import type { Policy } from '../approvals/policy.ts';
import type { ApprovalRequest } from '../approvals/request.ts';
import { nameOf } from '../remedies/remedy-request.ts';
import type { Contacts } from '../snapshot/target.ts';
import type { Pager } from './ports.ts';

/** What everybody has to know of a request that ran without its votes; undefined for one that did not. */
export function breakGlassNotice(
  { brokenGlass, option, target, plan }: ApprovalRequest,
  { onCall, databaseAdmins }: Contacts,
): Pick<Announcement, 'headline' | 'mention' | 'quote'> | undefined {
  if (brokenGlass === null) return undefined;
  const { by, reason } = brokenGlass;
  // Only configured names may do this, so the name of a terminal's user is no text from elsewhere.
  const who = by.via === 'slack' ? `<@${by.id}>` : `${by.id} at the ${by.via}`;
  const headline = `Break-glass: ${who} ran ${nameOf(option)} for ${target} without the required votes. ${plan.title}.`;
  return { headline, mention: onCall ?? databaseAdmins ?? null, quote: reason };
}

export interface BreakGlassNotifier {
  /** Tells the channel of a request that ran without its votes, once. Returns at once and never throws. */
  tell(request: ApprovalRequest): void;
  /** Tells what other processes ran, the terminal above all: it does not speak to Slack itself. */
  catchUp(): Promise<void>;
  /** Resolves when everything begun is told or could not be, or when the time is up. */
  idle(withinMs: number): Promise<void>;
}

interface BreakGlassNotifierParts {
  readonly announcements: Announcements;
  /** The incident channel. */
  readonly channel: string | undefined;
  /** Whom to call, for each target. */
  readonly contacts: ReadonlyMap<string, Contacts>;
  /** What wakes people for a target; undefined where nothing is configured. */
  readonly pagerOf?: (target: string) => Pager | undefined;
  readonly journal: Pick<Journal, 'list' | 'readRunsSince' | 'record'>;
  /** Whether the journal says that this request was told already, by whichever process. */
  readonly wasTold: (id: string) => Promise<boolean>;
  readonly actions: Policy['breakGlass']['actions'];
  readonly clock: Clock;
  /** Could not be told; the next round tries again. Must not throw. */
  readonly onFault: (id: string, error: unknown) => void;
}

/** What marks a request in the journal as told. */
export const toldKind = 'break-glass-told';

/** A bot that was away for longer than this is started by somebody who reads what happened. */
const mindedMs = 3_600_000;

export function createBreakGlassNotifier(parts: BreakGlassNotifierParts): BreakGlassNotifier {
  const { actions, clock, contacts, journal, onFault } = parts;
  const telling = new Map<string, Promise<void>>();
  const tell = (request: ApprovalRequest): void => {
    const { id, brokenGlass } = request;
    if (brokenGlass === null || telling.has(id)) return;
    const told = tellOnce(parts, request).catch((error: unknown) => {
      telling.delete(id);
      onFault(id, error);
    });
    telling.set(id, told);
  };
  return {
    tell,
    async catchUp() {
      const since = new Date(clock.now() - mindedMs).toISOString();
      const runs = [...contacts.keys()].flatMap((target) =>
        actions.map((option) => journal.readRunsSince({ target, option, since })),
      );
      const open = journal.list(['approved', 'executing', 'verifying']);
      for (const found of await Promise.all([open, ...runs])) for (const one of found) tell(one);
    },
    async idle(withinMs) {
      await within(Promise.all(telling.values()), withinMs, clock);
    },
  };
}

/**
 * The mark comes after the telling: twice is better than never, and the pager knows a repetition by its key. Both are
 * told at the same time, because on such a night one of them may be away; the mark needs the channel where there is one.
 */
async function tellOnce(parts: BreakGlassNotifierParts, request: ApprovalRequest): Promise<void> {
  const { announcements, channel, contacts, journal, pagerOf, wasTold } = parts;
  const { id, target } = request;
  const notice = breakGlassNotice(request, contacts.get(target) ?? {});
  const pager = pagerOf?.(target);
  if (notice === undefined || (channel === undefined && pager === undefined)) return;
  if (await wasTold(id)) return;
  const paged = pager === undefined ? undefined : page(parts, { pager, request, ...notice });
  const key = `break-glass/${id}`;
  const announced =
    channel === undefined
      ? paged
      : announcements.announce({ to: channel, ...notice, key, mayStand: true });
  const [told, woken] = await Promise.allSettled([announced, paged]);
  if (woken.status === 'rejected') parts.onFault(id, woken.reason);
  if (told.status === 'rejected') throw told.reason;
  await journal.record({ request: id, kind: toldKind, body: { to: channel ?? pager?.name } });
}

interface BreakGlassPage {
  readonly pager: Pager;
  readonly request: ApprovalRequest;
  readonly headline: string;
}

/** Never resolved by dbconn: a person has to have read it. */
function page(
  { clock }: BreakGlassNotifierParts,
  { pager, request: { id, target }, headline }: BreakGlassPage,
): Promise<void> {
  return pager.page({
    action: 'trigger',
    key: `dbconn/${target}/break-glass/${id}`,
    target,
    severity: 'critical',
    summary: headline.replaceAll(/<@(\w+)>/g, '$1'),
    at: isoNow(clock),
    details: {},
    links: [],
  });
}
