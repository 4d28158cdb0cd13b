import { z } from 'zod';
import { CauseName, ProposedOption } from '../../diagnose/diagnosis.ts';
import type { Difference } from './replay.ts';

/** As much of a diagnosis as is compared, of whatever version wrote it. */
export const Judged = z.object({
  state: z.string(),
  causes: z.array(z.object({ cause: CauseName, confidence: z.number() })),
  proposals: z.array(z.object({ option: ProposedOption, subject: z.string().nullable() })),
  findings: z.array(z.object({ id: z.string() })),
});
export type Judged = z.infer<typeof Judged>;

/** A smaller change of confidence is a change of weights, and changes nothing that anybody does. */
const mostConfidenceApart = 0.1;

export function compareDiagnoses(sealed: Judged, today: Judged): Difference[] {
  const [sealedCause, todayCause] = [sealed.causes[0], today.causes[0]];
  const apart = Math.abs((sealedCause?.confidence ?? 0) - (todayCause?.confidence ?? 0));
  const isSame = sealedCause?.cause === todayCause?.cause;
  return [
    ...differ('state', sealed.state, today.state),
    ...differ('cause', sealedCause?.cause ?? null, todayCause?.cause ?? null),
    ...(isSame &&
    sealedCause !== undefined &&
    todayCause !== undefined &&
    apart > mostConfidenceApart
      ? differ('confidence', sealedCause.confidence, todayCause.confidence)
      : []),
    ...differ('proposal', toProposal(sealed), toProposal(today)),
    ...missing(today, sealed).map(
      (id) => ({ what: 'finding-appeared', sealed: null, today: id }) as const,
    ),
    ...missing(sealed, today).map(
      (id) => ({ what: 'finding-gone', sealed: id, today: null }) as const,
    ),
  ];
}

/** Nothing where both are the same. */
export function differ(
  what: Difference['what'],
  sealed: Difference['sealed'],
  today: Difference['today'],
): Difference[] {
  return sealed === today ? [] : [{ what, sealed, today }];
}

function toProposal({ proposals: [first] }: Judged): string | null {
  if (first === undefined) return null;
  return first.subject === null ? first.option : `${first.option} ${first.subject}`;
}

/** The findings of the one that the other does not have. */
function missing(one: Judged, other: Judged): string[] {
  const known = new Set(other.findings.map(({ id }) => id));
  return [...new Set(one.findings.map(({ id }) => id))].filter((id) => !known.has(id));
}
