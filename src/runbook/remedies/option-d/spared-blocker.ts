import type { Blocker } from '../../ports/blockers.ts';
import { spareSentences } from '../option-a/spare-sessions.ts';

/** Why a blocker is left alone, in words for its reader, or null when it may be stopped. */
export function sparedBlocker({ identity, process, spared }: Blocker): string | null {
  if (spared === 'hidden') return `${spareSentences.hidden}: GRANT pg_monitor to it`;
  if (process === 'wraparound vacuum') {
    return 'an autovacuum that prevents wraparound: it comes back at once, so let it finish';
  }
  if (process === 'autovacuum') {
    return 'an autovacuum: it gives way by itself after deadlock_timeout';
  }
  if (spared === 'superuser') {
    return `${spareSentences.superuser}: if it is the application, name it in applicationRoles and set a superuser as actingUrl`;
  }
  if (spared !== null) return spareSentences[spared];
  // Without it nobody can tell whether it still runs what was approved.
  return identity.state === 'disabled'
    ? 'its activity is not tracked (track_activities is off)'
    : null;
}
