import type { Action } from '../action.ts';
import type { Refusal } from '../remedy.ts';

/** Refusals that say what dbconn cannot reach or may not do. All others say that the change itself would do harm. */
const means: ReadonlySet<string> = new Set([
  'unreachable',
  'privilege',
  'not-allowed',
  'command-line',
  'source',
  'in-recovery',
  'standbys',
  'containers-unread',
  'no-containers',
  'no-env-file',
]);

/**
 * Whether a person could do what dbconn refused for itself. Of A and D also where nothing was found: sessions are spared
 * for want of the acting role's rights alone.
 */
export function lacksMeans(option: Action, { kind }: Refusal): boolean {
  const mayBeSkipped = (option === 'A' || option === 'D') && kind === 'nothing-to-do';
  return means.has(kind) || mayBeSkipped;
}
