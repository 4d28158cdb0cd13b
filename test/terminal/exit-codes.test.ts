import { expect, test } from 'vitest';
import { exitCodeOfPrevention } from '../../src/terminal/output.ts';
import type { PreventionCheck } from '../../src/runbook/reports/report.ts';

function check(part: PreventionCheck['part'], state: PreventionCheck['state']): PreventionCheck {
  return { part, state, setting: 'x', now: null, better: '1', because: 'So.' };
}

test.for<[PreventionCheck[], number]>([
  [[check('application', 'ok'), check('postgresql', 'ok')], 0],
  [[check('application', 'unknown'), check('postgresql', 'ok')], 0],
  [[check('application', 'advice'), check('postgresql', 'unknown')], 1],
  [[check('application', 'ok'), check('postgresql', 'unknown')], 3],
])('what is advised exits 1, and a server nobody could read 3: %j', ([checks, code]) => {
  expect(exitCodeOfPrevention({ checks })).toBe(code);
});
