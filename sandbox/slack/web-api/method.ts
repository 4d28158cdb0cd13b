import { z } from 'zod';
import type { Tier } from '../rate-limits.ts';
import { toRuleMessage } from '../rule-messages.ts';
import type { Sandbox } from '../sandbox.ts';
import { SlackRefusal } from '../slack-refusal.ts';

type Result = Readonly<Record<string, unknown>>;

/** One method of the Web API. */
export interface Method {
  /** Any one of these bot scopes suffices; none needed when empty. */
  readonly scopes: readonly string[];
  readonly tier: Tier;
  readonly token: 'bot' | 'app';
  call(sandbox: Sandbox, args: Readonly<Record<string, unknown>>): Result;
}

/** Declares a method: its arguments are parsed by `args` before `run` sees them. */
export function defineMethod<A>(spec: {
  readonly scopes: readonly string[];
  readonly tier: Tier;
  readonly token?: 'bot' | 'app';
  readonly args: z.ZodType<A>;
  readonly run: (sandbox: Sandbox, args: A) => Result;
}): Method {
  return {
    scopes: spec.scopes,
    tier: spec.tier,
    token: spec.token ?? 'bot',
    call(sandbox, raw) {
      const parsed = spec.args.safeParse(raw, { reportInput: true });
      if (!parsed.success) {
        const messages = parsed.error.issues.map((issue) => toRuleMessage(issue, ''));
        throw new SlackRefusal('invalid_arguments', { messages });
      }
      return spec.run(sandbox, parsed.data);
    },
  };
}

// Arguments arrive as JSON values or, in a form, all as text.

/** A true or false that a form writes as text. */
export const flagArgument = z
  .union([z.boolean(), z.stringbool({ truthy: ['true', '1'], falsy: ['false', '0'] })])
  .optional();

/** A whole number that a form writes as text. */
export const countArgument = z.coerce.number().int().min(0);

/** Structured arguments (blocks, view, metadata, files), in a form as JSON text. */
export function jsonArgument(onBadJson: string): z.ZodType {
  return z.unknown().transform((value) => {
    if (typeof value !== 'string') return value;
    try {
      return JSON.parse(value) as unknown;
    } catch {
      throw new SlackRefusal(onBadJson);
    }
  });
}
