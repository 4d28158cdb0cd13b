import type { Diagnosis, Proposal } from '../../src/runbook/diagnose/diagnosis.ts';

/** An option's letter or words to type, as sentences name them. */
const names = [
  /\boptions? (?<what>[A-E])\b/gi,
  /\((?<what>[A-E])\)/g,
  /\bpropose (?<what>prevention|[A-E])\b/gi,
];

/** The sentences of a diagnosis that name an option which its own proposals do not offer, run by dbconn or by hand. */
export function misleading({ findings, causes, proposals, ...said }: Diagnosis): string[] {
  const sentences = [
    said.headline,
    said.verdict,
    said.reach.error?.fix ?? '',
    ...findings.flatMap(({ summary, evidence, fix = '' }) => [summary, ...evidence, fix]),
    ...causes.flatMap(({ summary, because, against }) => [summary, ...because, ...against]),
    ...proposals.flatMap(({ summary, blocked }) => [summary, blocked ?? '']),
  ];
  return sentences.filter((sentence) =>
    names
      .flatMap((name) => [...sentence.matchAll(name)])
      .some(({ groups }) => !proposals.some((one) => isOffered(one, groups?.['what'] ?? ''))),
  );
}

/** Idle sessions of any application have no words of their own: a dialog asks whose. */
function isOffered({ option, command }: Proposal, what: string): boolean {
  return option.toLowerCase() === what.toLowerCase() && (command !== undefined || option === 'A');
}
