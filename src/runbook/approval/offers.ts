import type { Action } from '../remedies/action.ts';
import type { Check } from '../doctor.ts';
import type { DoorPorts } from './door-ports.ts';
import { readOptionPolicy } from './policy.ts';

type Ports = Pick<DoorPorts, 'patients' | 'policy'>;

/** The options that can be proposed for a target and approved by somebody. */
export function offersOf({ patients, policy }: Ports, target: string): readonly Action[] {
  if (policy.readOnly) return [];
  const remedies = patients.find(({ name }) => name === target)?.remedies ?? [];
  return remedies
    .map(({ option }) => option)
    .filter((option) => {
      const { approvers, votes } = readOptionPolicy(policy, option);
      return new Set(approvers).size >= votes;
    });
}

const needs: readonly { readonly option: Action; readonly fix: string }[] = [
  { option: 'A', fix: 'Set database.actingUrl to a role with pg_signal_backend.' },
  { option: 'C', fix: 'Set compose.project of the target.' },
];

/** For doctor: which options can run for a target, and what the others lack. */
export function checkOptions({ patients, policy }: Ports, target: string): Check[] {
  if (policy.readOnly) {
    const summary = 'This dbconn only looks: approval.readOnly is set.';
    return [{ subject: 'Configuration', state: 'off', summary }];
  }
  const remedies = patients.find(({ name }) => name === target)?.remedies ?? [];
  return needs.map(({ option, fix }): Check => {
    if (remedies.some((remedy) => remedy.option === option)) return checkApprovers(policy, option);
    const summary = `Option ${option} cannot be proposed: it is not set up for this target.`;
    return { subject: 'Configuration', state: 'off', summary, fix };
  });
}

function checkApprovers(policy: Ports['policy'], option: Action): Check {
  const { approvers, votes, proposerMayVote } = readOptionPolicy(policy, option);
  const people = new Set(approvers).size;
  const check = (state: Check['state'], summary: string, fix?: string): Check => ({
    subject: 'Configuration',
    state,
    summary,
    ...(fix !== undefined && { fix }),
  });
  const name = `Name Slack user ids as approval.${option}.approve in dbconn.yml.`;
  if (people < votes) {
    const lack = `it needs ${votes} ${votes === 1 ? 'approver' : 'approvers'} and has ${people}`;
    return check('off', `Option ${option} cannot run: ${lack}.`, name);
  }
  if (people === votes && !proposerMayVote) {
    const summary = `Option ${option} has as many approvers as it needs votes, and nobody approves their own proposal.`;
    return check('warning', summary, `Name one approver more: approval.${option}.approve.`);
  }
  return check('ok', `Option ${option} can be proposed, and ${people} people may approve it.`);
}
