import type { Finding, Proposal } from './diagnosis.ts';
import type { Evidence } from './evidence.ts';
import { toCommand } from './proposals/to-command.ts';

interface Remark {
  readonly finding: string;
  readonly sentence: string;
  /** Whether that proposal is about what the finding found. */
  readonly fits: (proposal: Proposal, evidence: Evidence) => boolean;
}

const beginsWith =
  (start: string) =>
  ({ command }: Proposal): boolean =>
    command === start || command?.startsWith(`${start} `) === true;

/** Not of one application: whoever presses chooses whose. */
const isAnyIdle = ({ option, command }: Proposal): boolean =>
  option === 'A' && command === undefined;

const remarks: readonly Remark[] = [
  {
    finding: 'idle-in-transaction',
    sentence: 'Option A ends the oldest.',
    fits: ({ command }) => command === 'propose A',
  },
  { finding: 'terminate-candidates', sentence: 'Option A ends them.', fits: isTermination },
  {
    finding: 'lock-waits',
    sentence: 'Option D stops what they wait for.',
    fits: ({ command }) => command === 'propose D',
  },
  {
    finding: 'abandoned-clients',
    sentence: 'Option A ends those of now.',
    fits: ({ command }, { abandoned, target }) => {
      const service = target.services.find(({ name }) => name === abandoned?.service);
      if (service === undefined) return false;
      return command === toCommand('A', service.application ?? service.name);
    },
  },
  {
    finding: 'strangers',
    sentence: '/dbconn propose prevention connection-limit does it.',
    fits: beginsWith('propose prevention connection-limit'),
  },
  { finding: 'strangers', sentence: 'Option A ends the idle ones.', fits: isAnyIdle },
  {
    finding: 'budget-can-exhaust',
    sentence: 'Option E makes the largest smaller.',
    fits: beginsWith('propose E'),
  },
];

function isTermination(proposal: Proposal): boolean {
  return beginsWith('propose A')(proposal) || isAnyIdle(proposal);
}

/** Adds to what to do about a finding the option that does it, but only where that is proposed for the same look. */
export function nameOptions(
  findings: readonly Finding[],
  proposals: readonly Proposal[],
  evidence: Evidence,
): Finding[] {
  return findings.map((finding) => {
    const sentences = remarks
      .filter(
        ({ finding: id, fits }) =>
          id === finding.id && proposals.some((one) => fits(one, evidence)),
      )
      .map(({ sentence }) => sentence);
    return sentences.length === 0
      ? finding
      : { ...finding, fix: [finding.fix ?? '', ...sentences].join(' ').trim() };
  });
}
