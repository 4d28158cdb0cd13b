import { defaultOptionPolicy, defaultPolicy } from '../runbook/approval/policy.ts';
import type { OptionPolicy, Policy } from '../runbook/approval/policy.ts';
import type { ConfigFile } from './file.ts';

type Approval = ConfigFile['approval'];

/** Who may do what, as dbconn.yml says. An option nobody is named for cannot run. */
export function toPolicy({ A, C, expiry, readOnly }: Approval): Policy {
  return {
    ...defaultPolicy,
    readOnly,
    options: {
      ...(A !== undefined && { A: toOptionPolicy(A) }),
      ...(C !== undefined && { C: toOptionPolicy(C) }),
    },
    expiresAfterMs: expiry ?? defaultPolicy.expiresAfterMs,
  };
}

function toOptionPolicy({ propose, approve }: NonNullable<Approval['A']>): OptionPolicy {
  return { ...defaultOptionPolicy, proposers: propose, approvers: approve };
}
