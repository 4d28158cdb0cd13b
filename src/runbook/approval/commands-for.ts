import { commandsOf } from '../remedies/by-hand/commands.ts';
import type { Commands } from '../remedies/by-hand/hand-off.ts';
import type { ApprovalRequest } from './request.ts';

/** The commands of a request that was handed over; undefined before, and after. */
export function commandsFor({ state, plan, handOff }: ApprovalRequest): Commands | undefined {
  if (state !== 'handed' || handOff === null || plan.byHand === undefined) return undefined;
  return commandsOf(plan, plan.byHand, handOff.until);
}
