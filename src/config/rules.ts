import { z } from 'zod';
import { Action } from '../runbook/remedies/action.ts';
import { duration } from './duration.ts';
import { slackId } from './slack-id.ts';

/** Who may propose and approve one action, and how. What is left out is in docs/dbconn.example.yml. */
const who = z.array(slackId('SUW', 'a person or a user group')).max(100).default([]);

/** More people than this are not found in a night. */
const mostVotes = 10;
const votes = z.number().int().min(1).max(mostVotes);

/** At most a day: who approves a plan later than that no longer knows the night it was made for. */
const longestExpiryMs = 86_400_000;
export const expiry = duration.refine((ms) => ms > 0 && ms <= longestExpiryMs, {
  message: 'is a duration of at most 24h',
});

export const Rule = z.strictObject({
  propose: who,
  approve: who,
  votes: votes.exactOptional(),
  clusterWideVotes: votes.exactOptional(),
  proposerMayVote: z.boolean().exactOptional(),
  reasonRequired: z.boolean().exactOptional(),
  expiry: expiry.exactOptional(),
  cooldown: duration.exactOptional(),
});
export type Rule = z.infer<typeof Rule>;

/** A user of the operating system. */
const terminalUser = z.string().min(1).max(100);

export const BreakGlassRule = z.strictObject({
  users: z.array(slackId('UW', 'a person')).max(20).default([]),
  terminal: z.array(terminalUser).max(20).default([]),
  actions: z.array(Action).default([]),
});

export const TerminalUsers = z.record(terminalUser, slackId('UW', 'a person'));
