import type { Actor } from '../../runbook/approval/actor.ts';
import type { Changes } from '../changes.ts';
import type { CommandDeps } from './command-deps.ts';

/** Somebody about to set something in motion, and what that takes. */
export interface ActionContext {
  readonly deps: CommandDeps;
  readonly changes: Changes;
  readonly actor: Actor;
}
