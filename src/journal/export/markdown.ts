import { cleanUntrusted } from '../../runbook/diagnose/untrusted.ts';

const longestCode = 500;

/** Text of others as a code span: nothing in it is markup, and it cannot end the span by itself. */
export function code(text: string): string {
  const clean = cleanUntrusted(text, longestCode);
  const runs = [...clean.matchAll(/`+/g)].map(([run]) => run.length);
  const backticks = '`'.repeat(Math.max(0, ...runs) + 1);
  const pad = runs.length > 0 || clean === '' ? ' ' : '';
  return `${backticks}${pad}${clean}${pad}${backticks}`;
}

/** A sentence of dbconn's, in which nothing is markup either. */
export function prose(text: string): string {
  return cleanUntrusted(text, 5000).replaceAll(/[\\`*_[\]<>|#~&]/g, (sign) => `\\${sign}`);
}
