import { done } from '../remedies/remedy.ts';
import type { Answer } from '../remedies/remedy.ts';
import type { Action } from '../remedies/action.ts';
import type { Check } from '../doctor.ts';
import type { Ask } from '../remedies/ask.ts';
import type { Plan } from '../remedies/plan.ts';
import type { Stop } from '../ports.ts';
import { close } from './close.ts';
import type { DoorPorts } from './door-ports.ts';
import { go, stop } from './emergency-stop.ts';
import { JournalUnavailable } from './journal-unavailable.ts';
import { checkOptions, offersOf } from './offers.ts';
import { preview, propose } from './propose.ts';
import type { Proposing } from './propose.ts';
import { refuseUnknown, refuseUnrecorded } from './refusals.ts';
import type { Actor, Request, RequestState } from './request.ts';
import { createRunner } from './runner.ts';
import { sweep } from './sweep.ts';
import { vote } from './vote.ts';

/**
 * The one door to change. Slash command, button, modal, terminal and timer all come through here; nothing
 * else calls a remedy's `run`. Every answer is the request as it now stands, or a refusal with its reason.
 * What cannot be recorded does not happen: that is a refusal too.
 */
export interface Door {
  /** The options that can be proposed for a target and approved by somebody. */
  offers(target: string): readonly Action[];
  /** For doctor: which options can run for a target, and what the others lack. */
  check(target: string): readonly Check[];
  /** Makes a plan and stores it. With `supersedes` it asks again for an older request. */
  propose(proposal: Proposing): Promise<Answer<Request>>;
  /** Makes the plan and stores nothing: what would be proposed. */
  preview(target: string, ask: Ask): Promise<Answer<Plan>>;
  /** One vote. With the last one needed it starts the change and answers at once; `settled` tells its end. */
  approve(id: string, actor: Actor, reason?: string): Promise<Answer<Request>>;
  deny(id: string, actor: Actor, reason?: string): Promise<Answer<Request>>;
  /** By the proposer. */
  withdraw(id: string, actor: Actor, reason?: string): Promise<Answer<Request>>;
  get(id: string): Promise<Answer<Request>>;
  /** Requests that have not come to their end, oldest first. */
  list(): Promise<Answer<readonly Request[]>>;
  /** Expires what is overdue. For a timer; a click on an overdue request finds the same by itself. */
  sweep(): Promise<Answer<readonly Request[]>>;
  /** Ends what the process before this one left unfinished. Once, at start, in the one process that executes. */
  resume(): Promise<Answer<readonly Request[]>>;
  /** Stops all changes of all targets: new ones are refused, running ones end after their present step. */
  stop(actor: Actor, reason?: string): Promise<Answer<Stop>>;
  go(actor: Actor, reason?: string): Promise<Answer<null>>;
  /** The emergency stop, or null. */
  stopped(): Promise<Answer<Stop | null>>;
  /** The request once it runs no more here; at once when it does not run in this process. */
  settled(id: string): Promise<Answer<Request>>;
  /** Resolves when no change runs here any more. What is only waiting for its outcome is left to `resume`. */
  drain(): Promise<void>;
}

const openStates: readonly RequestState[] = ['proposed', 'approved', 'executing', 'verifying'];

export function createDoor(ports: DoorPorts): Door {
  const { journal } = ports;
  const runner = createRunner(ports);
  const get = async (id: string): Promise<Answer<Request>> => {
    const request = await journal.read(id);
    return request === undefined ? refuseUnknown() : done(request);
  };
  return {
    offers: (target) => offersOf(ports, target),
    check: (target) => checkOptions(ports, target),
    propose: (proposing) => recorded(() => propose(ports, proposing)),
    preview: (target, ask) => recorded(() => preview(ports, target, ask)),
    approve: (id, actor, reason) =>
      recorded(async () => {
        const voted = await vote(ports, { id, actor, reason });
        if (voted.ok && voted.value.state === 'approved') runner.start(voted.value);
        return voted;
      }),
    deny: (id, actor, reason) => recorded(() => close(ports, 'denied', { id, actor, reason })),
    withdraw: (id, actor, reason) =>
      recorded(() => close(ports, 'withdrawn', { id, actor, reason })),
    get: (id) => recorded(() => get(id)),
    list: () => recorded(async () => done(await journal.list(openStates))),
    sweep: () => recorded(async () => done(await sweep(ports))),
    resume: () => recorded(async () => done(await runner.resume())),
    stop: (actor, reason) => recorded(() => stop(ports, actor, reason)),
    go: (actor, reason) => recorded(() => go(ports, actor, reason)),
    stopped: () => recorded(async () => done((await journal.readStop()) ?? null)),
    settled: (id) =>
      recorded(async () => {
        await runner.settled(id);
        return get(id);
      }),
    drain: () => runner.drain(),
  };
}

async function recorded<T>(work: () => Promise<Answer<T>>): Promise<Answer<T>> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof JournalUnavailable) return refuseUnrecorded(error);
    throw error;
  }
}
