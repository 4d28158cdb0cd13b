import { actionOf } from '../remedies/ask.ts';
import { hashPlan } from '../remedies/plan.ts';
import type { Ask } from '../remedies/ask.ts';
import type { Plan } from '../remedies/plan.ts';
import { done, refuse } from '../remedies/remedy.ts';
import type { Answer } from '../remedies/remedy.ts';
import type { DoorPorts } from './door-ports.ts';
import { isoNow } from './iso-now.ts';
import { mayPropose, policyVersion, readOptionPolicy } from './policy.ts';
import type { Actor, Request } from './request.ts';

export interface Proposing {
  readonly target: string;
  readonly ask: Ask;
  readonly actor: Actor;
  readonly supersedes?: string;
}

/** 48 random bits: opaque, and short enough to be typed in a terminal. Knowing one gives no right. */
const idLength = 12;

export async function propose(
  ports: DoorPorts,
  { target, ask, actor, supersedes }: Proposing,
): Promise<Answer<Request>> {
  const { journal, policy, onChange } = ports;
  const allowed = mayPropose(policy, actionOf(ask), actor);
  if (!allowed.ok) return allowed;
  const planned = await preview(ports, target, ask);
  if (!planned.ok) return planned;
  const request = await toRequest(ports, planned.value, { actor, supersedes });
  const { id, hash, plan } = request;
  const body = { by: actor, target, hash, plan, supersedes: request.supersedes };
  await journal.create(request, { request: id, kind: 'proposed', body });
  onChange(request);
  return done(request);
}

export async function preview(ports: DoorPorts, target: string, ask: Ask): Promise<Answer<Plan>> {
  const { policy, clock, patients } = ports;
  const patient = patients.find(({ name }) => name === target);
  if (patient === undefined) {
    return refuse('unknown-target', 'There is no target of that name.', 'See /dbconn help.');
  }
  const option = actionOf(ask);
  const remedy = patient.remedies.find((candidate) => candidate.option === option);
  if (remedy === undefined) {
    const why = `Option ${option} is not set up for this target.`;
    return refuse('not-offered', why, 'See /dbconn doctor for what it needs.');
  }
  const drafted = await remedy.propose(ask);
  if (!drafted.ok) return drafted;
  const version = await policyVersion(policy);
  return done({ ...drafted.value, policyVersion: version, plannedAt: isoNow(clock) });
}

interface Origin {
  readonly actor: Actor;
  readonly supersedes: string | undefined;
}

async function toRequest(
  { policy, clock }: DoorPorts,
  plan: Plan,
  { actor, supersedes }: Origin,
): Promise<Request> {
  return {
    id: crypto.randomUUID().replaceAll('-', '').slice(0, idLength),
    version: 1,
    state: 'proposed',
    target: plan.target,
    option: plan.option,
    ask: plan.ask,
    plan,
    hash: await hashPlan(plan),
    proposedBy: actor,
    proposedAt: isoNow(clock),
    expiresAt: new Date(clock.now() + policy.expiresAfterMs).toISOString(),
    votesNeeded: readOptionPolicy(policy, plan.option).votes,
    votes: [],
    supersedes: supersedes ?? null,
    closing: null,
    execution: null,
    result: null,
  };
}
