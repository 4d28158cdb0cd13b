import type { Blocker } from '../d-stop-blockers/ports.ts';
import { skipSentences } from '../a-terminate-idle/candidates.ts';
import type { BlockerTarget } from '../targets/blocker.ts';

/** What has to be known of a session to tell whether it is spared. */
export interface Skippable extends Pick<Blocker, 'process' | 'spared'> {
  readonly identity: Pick<BlockerTarget['identity'], 'state'>;
}

/** Why a blocker is left alone, in words for its reader, or null when it may be stopped. */
export function whyBlockerSkipped({ identity, process, spared }: Skippable): string | null {
  if (spared === 'hidden') return `${skipSentences.hidden}: GRANT pg_monitor to it`;
  if (process === 'wraparound vacuum') {
    return 'an autovacuum that prevents wraparound: it comes back at once, so let it finish';
  }
  if (process === 'autovacuum') {
    return 'an autovacuum: it gives way by itself after deadlock_timeout';
  }
  if (spared === 'superuser') {
    return `${skipSentences.superuser}: if it is the application, name it in applicationRoles and set a superuser as actingUrl`;
  }
  if (spared !== null) return skipSentences[spared];
  // Without it nobody can tell whether it still runs what was approved.
  return identity.state === 'disabled'
    ? 'its activity is not tracked (track_activities is off)'
    : null;
}

/** The same of one that nobody named: a concurrent build is left to a person, who then also drops the invalid index. */
export function whyRootSkipped(blocker: Skippable): string | null {
  const reason = whyBlockerSkipped(blocker);
  if (reason !== null || blocker.process !== 'concurrent build') return reason;
  return 'a concurrent index build: cancelled, it leaves an invalid index behind';
}
