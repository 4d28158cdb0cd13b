import type { IncidentView } from '../incidents/incidents.ts';
import { reasonNames } from './policy.ts';
import type { EscalationReason, ReasonName } from './policy.ts';
import { toReasonCase } from './reasons/case.ts';
import type { JudgeReason } from './reasons/case.ts';
import { judgeDataIntegrity } from './reasons/data-integrity.ts';
import { judgeNeedsConfigurationChange } from './reasons/needs-configuration-change.ts';
import { judgePersistsAfterRemedy } from './reasons/persists-after-remedy.ts';
import { judgeSeveralApplications } from './reasons/several-applications.ts';
import { judgeSourceNotIdentified } from './reasons/source-not-identified.ts';

const judges: Readonly<Record<ReasonName, JudgeReason>> = {
  'source-not-identified': judgeSourceNotIdentified,
  'persists-after-remedy': judgePersistsAfterRemedy,
  'needs-configuration-change': judgeNeedsConfigurationChange,
  'data-integrity': judgeDataIntegrity,
  'several-applications': judgeSeveralApplications,
};

/** Which of the runbook's five reasons to escalate hold now, in its order, each with its evidence. */
export function findReasons(view: IncidentView, nowMs: number): EscalationReason[] {
  const reasonCase = toReasonCase(view, nowMs);
  return reasonNames.flatMap((name) => {
    const sentence = judges[name](reasonCase);
    return sentence === null ? [] : [{ name, sentence }];
  });
}
