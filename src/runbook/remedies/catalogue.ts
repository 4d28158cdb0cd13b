import { createOptionA } from './option-a-terminate-idle.ts';
import type { OptionAPorts } from './option-a/idle-query.ts';
import { createOptionB } from './b-raise-max-connections/raise-max-connections.ts';
import type { OptionBPorts } from './option-b/ports.ts';
import { createOptionC } from './option-c-restart-service.ts';
import type { OptionCPorts } from './c-restart-service/ports.ts';
import { createOptionD } from './option-d-stop-blockers.ts';
import type { OptionDPorts } from './option-d/ports.ts';
import { createOptionE } from './e-resize-pool/resize-pool.ts';
import type { OptionEPorts } from './option-e/ports.ts';
import { createPreparedRollback } from './prepared-transaction/rollback.ts';
import type { PreparedPorts } from './prepared-transaction/rollback.ts';
import { createPrevention } from './prevention/prevention.ts';
import type { PreventionPorts } from './prevention/prevention.ts';
import type { Remedy } from './remedy.ts';

/** What reaches one target to change it. An option whose part is missing is not offered. */
export interface CatalogueParts {
  readonly optionA?: OptionAPorts;
  readonly optionB?: OptionBPorts;
  readonly optionC?: OptionCPorts;
  readonly optionD?: OptionDPorts;
  readonly optionE?: OptionEPorts;
  readonly prepared?: PreparedPorts;
  readonly prevention?: PreventionPorts;
}

/** The options that can run for one target, in the runbook's order. */
export function createCatalogue({
  optionA,
  optionB,
  optionC,
  optionD,
  optionE,
  prepared,
  prevention,
}: CatalogueParts): readonly Remedy[] {
  return [
    ...(optionA === undefined ? [] : [createOptionA(optionA)]),
    ...(optionB === undefined ? [] : [createOptionB(optionB)]),
    ...(optionC === undefined ? [] : [createOptionC(optionC)]),
    ...(optionD === undefined ? [] : [createOptionD(optionD)]),
    ...(optionE === undefined ? [] : [createOptionE(optionE)]),
    ...(prepared === undefined ? [] : [createPreparedRollback(prepared)]),
    ...(prevention === undefined ? [] : [createPrevention(prevention)]),
  ];
}
