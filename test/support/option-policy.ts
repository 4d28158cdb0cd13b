import { defaultPolicyOf } from '../../src/runbook/approvals/policy.ts';
import type { OptionPolicy } from '../../src/runbook/approvals/policy.ts';

/** One vote, nobody who may give it yet, and no pause between two runs. */
export const optionPolicy: OptionPolicy = { ...defaultPolicyOf('A'), cooldownMs: 0 };
