import { expect } from 'vitest';
import type { Answer, Refusal } from '../../../src/runbook/remedies/remedy.ts';

/** What a door did; throws with its reason where it refused. */
export function valueOf<T>(answer: Answer<T>): T {
  if (!answer.ok) throw new Error(`${answer.refusal.kind}: ${answer.refusal.why}`);
  return answer.value;
}

/** Why a door refused: two sentences, whatever it was. */
export function refusalOf(answer: Answer<unknown>): Refusal {
  if (answer.ok) throw new Error('This should have been refused.');
  expect(answer.refusal.why).toMatch(/^[A-Z].*\.$/);
  expect(answer.refusal.next).toMatch(/^[A-Z/].*\.$/);
  return answer.refusal;
}
