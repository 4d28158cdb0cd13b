import { z } from 'zod';
import type { Policy } from '../../approvals/policy.ts';
import { Action } from '../../remedies/action.ts';

const names = z.array(z.string());

const SealedOption = z.object({
  proposers: names,
  approvers: names,
  votes: z.number(),
  clusterWideVotes: z.number(),
  proposerMayVote: z.boolean(),
  reasonRequired: z.boolean(),
  expiresAfterMs: z.number().exactOptional(),
  cooldownMs: z.number(),
});

/** A policy as a bundle holds it. */
export const SealedPolicy: z.ZodType<Policy> = z.object({
  options: z.partialRecord(Action, SealedOption),
  expiresAfterMs: z.number(),
  readOnly: z.boolean(),
  leastShareLeft: z.number(),
  terminalUsers: z.record(z.string(), z.string()),
  breakGlass: z.object({ users: names, terminal: names, actions: z.array(Action) }),
});
