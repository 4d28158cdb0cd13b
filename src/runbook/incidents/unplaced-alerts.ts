import { z } from 'zod';
import { isoNow } from '../../timing.ts';
import { JournalUnavailable } from '../approvals/journal.ts';
import type { Place } from '../approvals/notices.ts';
import { hashJson } from '../remedies/plan.ts';
import { cleanUntrusted, redactText } from '../snapshot/redaction/redact-text.ts';
import { count } from '../snapshot/words.ts';
import type { Alert } from './alert.ts';
import type { IncidentDeps } from './incident-log.ts';
import { toDraft } from './incident-log.ts';

/** Tells the channel of alerts that fit no target: one message a day, edited with their number. */
export interface UnplacedAlerts {
  /** Returns once the alert is counted; the telling goes on behind it. Throws JournalUnavailable. */
  tell(alert: Alert): Promise<void>;
}

/** Slack takes some fifty edits a minute of all messages together; a count need not be told faster than it is read. */
const usuallyEveryMs = 10_000;
const afterFailureMs = 60_000;
/** Of one day. A sender of more has lost the overview anyway. */
const mostCounted = 10_000;
const mostNames = 5;
const longestLabels = 1000;
const unplaced = 'unplaced-';

/** What the journal keeps of the message, so that a restart or another process edits the same one. */
const Told = z.looseObject({
  place: z.object({ channel: z.string(), ts: z.string() }),
  counts: z.record(z.string(), z.number()),
});

/** Of one day: how many different ones by name. Names are those of configured rules. */
interface Day {
  readonly key: string;
  readonly counted: Set<string>;
  readonly counts: Map<string, number>;
  latest: Alert;
  isBehind: boolean;
}

export function createUnplacedAlerts(ports: IncidentDeps): UnplacedAlerts {
  const { clock, onFault, noticeEveryMs = usuallyEveryMs } = ports;
  let day: Day | undefined;
  let telling: Promise<void> | undefined;
  const pending = (): Day | undefined => (day?.isBehind === true ? day : undefined);
  const work = async (): Promise<void> => {
    for (let next = pending(); next !== undefined; next = pending()) {
      next.isBehind = false;
      const isShown = await showOr(next);
      await clock.sleep(isShown ? noticeEveryMs : afterFailureMs);
    }
  };
  const showOr = async (shown: Day): Promise<boolean> => {
    try {
      await show(ports, shown);
      return true;
    } catch (error) {
      onFault?.('alerts that fit no target', error);
      // Without a journal Alertmanager is asked to send it again.
      if (error instanceof JournalUnavailable) shown.counted.clear();
      else shown.isBehind = true;
      return false;
    }
  };
  return {
    async tell(alert) {
      const { name, fingerprint } = alert;
      const hash = (await hashJson([name, fingerprint])).slice(0, 16);
      const key = `${unplaced}${isoNow(clock).slice(0, 10)}`;
      if (day?.key !== key) {
        day = { key, counted: new Set(), counts: new Map(), latest: alert, isBehind: false };
      }
      if (day.counted.has(hash) || day.counted.size >= mostCounted) return;
      await readTold(ports, key);
      // Several may have waited for the journal with the same one.
      if (day.counted.has(hash)) return;
      day.counted.add(hash);
      day.counts.set(name, (day.counts.get(name) ?? 0) + 1);
      Object.assign(day, { latest: alert, isBehind: true });
      telling ??= work()
        .catch((error: unknown) => onFault?.('alerts that fit no target', error))
        .finally(() => {
          telling = undefined;
        });
    },
  };
}

/** The mark comes after the message: twice is better than never. */
async function show(ports: IncidentDeps, day: Day): Promise<void> {
  const { notice, channel, log, clock } = ports;
  const all = await readTold(ports, day.key);
  const told = all.at(-1);
  // After a restart an alert may be repeated that is part of the number already, and another process may count as well.
  const counts = mostOf([...all.map((one) => one.counts), Object.fromEntries(day.counts)]);
  if (told !== undefined && Object.entries(counts).every(([name, n]) => told.counts[name] === n))
    return;
  let place: Place | null = null;
  if (notice !== undefined && channel !== undefined) {
    const words = { to: channel, headline: headlineOf(counts), quote: quoteOf(day.latest.labels) };
    const since = `${day.key.slice(unplaced.length)}T00:00:00Z`;
    place = await notice.show({ ...words, key: day.key, since }, told?.place);
  }
  const facts = { place, counts, at: isoNow(clock) };
  await log.record(toDraft(day.key, { kind: 'incident-unplaced', sentence: null, facts }));
  // Another process told of its own in the same moment: what it counted is missing in these words.
  if ((await readTold(ports, day.key)).length > all.length + 1) day.isBehind = true;
}

function mostOf(all: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const most: Record<string, number> = {};
  for (const counts of all) {
    for (const [name, n] of Object.entries(counts)) most[name] = Math.max(most[name] ?? 0, n);
  }
  return most;
}

async function readTold(
  { log }: IncidentDeps,
  key: string,
): Promise<readonly z.infer<typeof Told>[]> {
  const notes = await log.readNotes(key, 0);
  return notes.flatMap(({ facts }) => Told.safeParse(facts).data ?? []);
}

function headlineOf(counts: Readonly<Record<string, number>>): string {
  const all = Object.values(counts).reduce((sum, n) => sum + n, 0);
  const names = Object.entries(counts)
    .toSorted(([, a], [, b]) => b - a)
    .map(([name, n]) => (n === 1 ? name : `${name} (${n})`));
  const more = names.length > mostNames ? ` and ${names.length - mostNames} more` : '';
  const which = `${names.slice(0, mostNames).join(', ')}${more}`;
  const what = all === 1 ? `${which} matches` : `${count(all, 'alert')} match`;
  const list = all === 1 ? '' : `: ${which}`;
  const fix = 'Add their labels to a target’s alertLabels in dbconn.yml.';
  return `${what} no target, so no incident was opened${list}. ${fix}`;
}

function quoteOf(labels: Alert['labels']): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}=${value}`);
  return cleanUntrusted(redactText(pairs.toSorted().join(', ')), longestLabels);
}
