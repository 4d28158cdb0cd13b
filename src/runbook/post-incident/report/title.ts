import type { CauseName } from '../../diagnose/diagnosis.ts';
import { isTrouble, troubles } from '../../diagnose/troubles.ts';
import type { Trouble } from '../../diagnose/troubles.ts';
import { durationOfSeconds } from '../../snapshot/words.ts';
import { bestDiagnosis } from '../../incident/chief-look.ts';
import type { Incident } from '../../incident/incident.ts';
import type { Target } from '../../snapshot/target.ts';

/** How a cause is called within a sentence. */
export const causeWords: Readonly<Record<CauseName, string>> = {
  'connection-leak': 'connection leak',
  'slow-queries': 'slow queries',
  'uncommitted-transactions': 'uncommitted transactions',
  'application-scaling': 'more processes than slots',
  'pool-misconfiguration': 'a pool of the wrong size',
  'lock-contention': 'queries blocking each other',
};

/** `orders ran out of connections for 23 minutes: connection leak in backend.` Figures and configured names only. */
export function writeTitle(
  incident: Incident,
  cause: CauseName | Trouble | null,
  target: Target,
): string {
  const { peak } = incident;
  const verb =
    peak !== null && peak.used >= peak.usable
      ? 'ran out of connections'
      : incident.severity === 'critical'
        ? 'was short of connections'
        : 'had trouble with its connections';
  const what = nameCause(cause);
  const subject = [bestDiagnosis(incident), incident.last, incident.first]
    .map((look) => look?.subject)
    .find((one) => target.services.some(({ name }) => name === one));
  const where = subject === undefined || subject === null || cause === null ? '' : ` in ${subject}`;
  return `${incident.target} ${verb} ${howLong(incident)}: ${what}${where}.`;
}

function nameCause(cause: CauseName | Trouble | null): string {
  if (cause === null) return 'cause not found';
  return isTrouble(cause) ? troubles[cause] : causeWords[cause];
}

/** Looks at which nothing changes are not kept, so the record alone does not say for how long one that is open lasts. */
function howLong({ closing, openedAt }: Incident): string {
  if (closing === null) return `from ${openedAt.slice(0, 16).replace('T', ' ')} UTC on, so far`;
  const ms = Math.max(0, Date.parse(closing.at) - Date.parse(openedAt));
  return `for ${durationOfSeconds(ms / 1000)}`;
}
