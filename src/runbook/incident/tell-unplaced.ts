import { cleanUntrusted } from '../diagnose/untrusted.ts';
import { redactText } from '../diagnose/redact-text.ts';
import { hashJson } from '../remedies/plan.ts';
import { isoNow } from '../approval/iso-now.ts';
import type { Alert } from './alert.ts';
import type { IncidentPorts } from './incident-ports.ts';
import { toDraft } from './note.ts';

export interface UnplacedPorts {
  /** Those being told at this moment: the mark is written after the telling. */
  readonly telling: Set<string>;
}

/** Alertmanager repeats it every few hours; once a day is a reminder, more is noise. */
const silentMs = 86_400_000;
const longestLabels = 1000;
/** A wrong configuration makes every alert one of these; what is left out comes back with Alertmanager's repeats. */
const mostAtOnce = 10;

/**
 * Says in the channel that an alert fits no target, once a day for each. Returns when the journal was asked; the
 * telling goes on behind it. The mark comes after: twice is better than never. Throws JournalUnavailable.
 */
export async function tellUnplaced(
  ports: IncidentPorts & UnplacedPorts,
  { name, fingerprint, labels }: Alert,
): Promise<void> {
  const { announcements, channel, clock, log, telling, onFault } = ports;
  const key = `unplaced-${(await hashJson([name, fingerprint])).slice(0, 16)}`;
  if (telling.has(key) || telling.size >= mostAtOnce || (await wasTold(ports, key))) return;
  const to = announcements === undefined ? null : (channel ?? null);
  const tell = async (): Promise<void> => {
    if (announcements !== undefined && to !== null) {
      const headline = `${name} fires, but its labels fit none of the targets, so no incident was opened. Add its labels to a target's alertLabels in dbconn.yml.`;
      const told = `${isoNow(clock).slice(0, 10)}:${key}`;
      await announcements.announce({
        to,
        mention: null,
        headline,
        quote: quoteOf(labels),
        key: told,
      });
    }
    const facts = { name, fingerprint: cleanUntrusted(fingerprint, 64), to };
    await log.record(toDraft(key, { kind: 'incident-unplaced', sentence: null, facts }));
  };
  telling.add(key);
  void tell()
    .catch((error: unknown) => onFault?.(`the alert ${name} that fits no target`, error))
    .finally(() => telling.delete(key));
}

async function wasTold({ clock, log }: IncidentPorts, key: string): Promise<boolean> {
  const sinceMs = clock.now() - silentMs;
  const marks = await log.readNotes(key, 0);
  return marks.some(({ at }) => Date.parse(at) > sinceMs);
}

function quoteOf(labels: Alert['labels']): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}=${value}`);
  return cleanUntrusted(redactText(pairs.toSorted().join(', ')), longestLabels);
}
