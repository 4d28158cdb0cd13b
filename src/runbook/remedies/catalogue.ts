import { createOptionA } from './option-a-terminate-idle.ts';
import type { OptionAPorts } from './idle-query.ts';
import { createOptionC } from './option-c-restart-service.ts';
import type { OptionCPorts } from './option-c-restart-service.ts';
import type { Remedy } from './remedy.ts';

/** What reaches one target to change it. An option whose part is missing is not offered. */
export interface CatalogueParts {
  readonly optionA?: OptionAPorts;
  readonly optionC?: OptionCPorts;
}

/** The options that can run for one target, in the runbook's order. */
export function createCatalogue({ optionA, optionC }: CatalogueParts): readonly Remedy[] {
  return [
    ...(optionA === undefined ? [] : [createOptionA(optionA)]),
    ...(optionC === undefined ? [] : [createOptionC(optionC)]),
  ];
}
