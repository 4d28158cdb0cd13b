import { expect, test } from 'vitest';
import { wrap } from '../../src/terminal/render/layout.ts';

test('what is typed after /dbconn in Slack is typed after dbconn here; what only Slack does stays there', () => {
  expect(wrap('Check with /dbconn idle. (/dbconn propose prevention …)')).toBe(
    'Check with dbconn idle. (dbconn propose prevention …)',
  );
  const inSlack = 'An approver lets them run again, in Slack: /dbconn go.';
  expect(wrap(inSlack)).toBe(inSlack);
});
