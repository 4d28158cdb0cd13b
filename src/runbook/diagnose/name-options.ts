import type { Finding, Proposal } from './diagnosis.ts';
import type { Evidence } from './evidence.ts';
import { toCommand } from './proposals/to-command.ts';

interface Remark {
  readonly finding: string;
  readonly say: string;
  /** Whether that proposal is about what the finding found. */
  readonly fits: (proposal: Proposal, evidence: Evidence) => boolean;
}

const isTyped =
  (start: string) =>
  ({ command }: Proposal): boolean =>
    command === start || command?.startsWith(`${start} `) === true;

/** Not of one application: whoever presses chooses whose. */
const isAnyIdle = ({ option, command }: Proposal): boolean =>
  option === 'A' && command === undefined;

const remarks: readonly Remark[] = [
  {
    finding: 'idle-in-transaction',
    say: 'Option A ends the oldest.',
    fits: ({ command }) => command === 'propose A',
  },
  { finding: 'terminate-candidates', say: 'Option A ends them.', fits: isTermination },
  {
    finding: 'lock-waits',
    say: 'Option D stops what they wait for.',
    fits: ({ command }) => command === 'propose D',
  },
  {
    finding: 'abandoned-clients',
    say: 'Option A ends those of now.',
    fits: ({ command }, { abandoned, target }) => {
      const service = target.services.find(({ name }) => name === abandoned?.service);
      if (service === undefined) return false;
      return command === toCommand('A', service.application ?? service.name);
    },
  },
  {
    finding: 'strangers',
    say: '/dbconn propose prevention connection-limit does it.',
    fits: isTyped('propose prevention connection-limit'),
  },
  { finding: 'strangers', say: 'Option A ends the idle ones.', fits: isAnyIdle },
  {
    finding: 'budget-can-exhaust',
    say: 'Option E makes the largest smaller.',
    fits: isTyped('propose E'),
  },
];

function isTermination(proposal: Proposal): boolean {
  return isTyped('propose A')(proposal) || isAnyIdle(proposal);
}

/** Adds to what to do about a finding the option that does it, but only where that is proposed for the same look. */
export function nameOptions(
  findings: readonly Finding[],
  proposals: readonly Proposal[],
  evidence: Evidence,
): Finding[] {
  return findings.map((finding) => {
    const said = remarks
      .filter(
        ({ finding: id, fits }) =>
          id === finding.id && proposals.some((one) => fits(one, evidence)),
      )
      .map(({ say }) => say);
    return said.length === 0
      ? finding
      : { ...finding, fix: [finding.fix ?? '', ...said].join(' ').trim() };
  });
}
