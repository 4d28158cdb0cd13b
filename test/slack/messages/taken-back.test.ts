import { expect, test } from 'vitest';
import type { ApprovalRequest } from '../../../src/runbook/approvals/request.ts';
import type { Item } from '../../../src/runbook/remedies/remedy.ts';
import { requestCard } from '../../../src/slack/messages/request-card.ts';
import { buildPlan, buildRequest } from '../../runbook/approvals/builders.ts';
import { toText } from '../support/to-text.ts';

/** A raise of max_connections that is over, with these items in its report. */
function ended(...outcomes: readonly Item['outcome'][]): Promise<ApprovalRequest> {
  const fullness = { used: 3, usable: 35 };
  const items = outcomes.map((outcome) => ({ what: 'it', outcome, detail: 'So.', lines: [] }));
  const looks = { before: fullness, after: fullness, later: fullness };
  return buildRequest({
    state: 'done',
    plan: buildPlan({ undoAsk: { kind: 'raise-max-connections', to: 40 } }),
    result: {
      report: { items, summary: 'The old value is back.', finished: false },
      outcome: { word: 'unchanged', sentence: '3 of 35 used.', ...looks },
      endedAt: '2026-11-23T03:05:00.000Z',
    },
  });
}

test.for<readonly Item['outcome'][]>([['put back'], ['put back', 'not reached']])(
  'a change that was taken back says so first, and offers no undo of what is not there: %s',
  async (outcomes) => {
    const card = requestCard(await ended(...outcomes));
    expect(card.text).toMatch(/^Failed and undone, /);
    expect(toText(card)).not.toContain('Propose the undo');
  },
);

test.for<readonly Item['outcome'][]>([['set'], ['recreated', 'put back']])(
  'a change that is there, if only in part, was not taken back: %s',
  async (outcomes) => {
    const card = requestCard(await ended(...outcomes));
    expect(card.text).toMatch(/^No change, /);
    expect(toText(card)).toContain('Propose the undo');
  },
);
