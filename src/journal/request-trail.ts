import { z } from 'zod';
import { canonicalJson } from '../runbook/remedies/plan.ts';
import { sha256 } from './chain.ts';
import type { JournalEntry } from './chain.ts';
import { Claims, whyImpossible } from './claims.ts';

const Vouched = z.looseObject({ requestSha256: z.string(), claims: Claims });

/** One request followed through its entries. */
export class RequestTrail {
  #claims: Claims | undefined;
  #sha256: string | undefined;

  /** Takes the request's next entry that says what became of it. Why that cannot be, or undefined. */
  add(kind: string, body: unknown): string | undefined {
    const vouched = Vouched.safeParse(body);
    if (!vouched.success) return 'It does not say what its request became.';
    const { requestSha256, claims } = vouched.data;
    const problem = whyImpossible({ kind, before: this.#claims, after: claims });
    this.#claims = claims;
    this.#sha256 = requestSha256;
    return problem;
  }

  /** Why the request's row, which is JSON text, is not what its entries say; undefined where it is. */
  whyUntrue(data: string): string | undefined {
    if (this.#sha256 !== sha256(data)) return 'it is not what its last entry says';
    const { plan, hash } = z
      .looseObject({ plan: z.unknown(), hash: z.string() })
      .parse(JSON.parse(data));
    return sha256(canonicalJson(plan)) === hash
      ? undefined
      : 'its plan is not the one its votes are for';
  }
}

/** Whether an entry says what became of its request, told without reading its body, which may hold a large plan. */
export function isOfTrail({ request, body }: Pick<JournalEntry, 'request' | 'body'>): boolean {
  return request !== null && body.includes('"requestSha256":');
}
