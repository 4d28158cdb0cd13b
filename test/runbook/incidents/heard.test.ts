import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { advance } from '../../../src/runbook/approvals/request.ts';
import type { ApprovalRequest } from '../../../src/runbook/approvals/request.ts';
import { ann, bob, buildRequest } from '../approvals/builders.ts';
import { anAlert, must, openIncidentSetup, used } from './incident-setup.ts';
import type { IncidentSetup } from './incident-setup.ts';

describe('what an incident hears of requests', () => {
  let setup: IncidentSetup;
  let id: string;
  let proposed: ApprovalRequest;
  beforeEach(async () => {
    setup = await openIncidentSetup();
    proposed = await buildRequest();
    must(await setup.incidents.alert(anAlert()));
    id = must(await setup.incidents.current('shop'))?.id ?? '';
  });
  afterEach(() => {
    setup.close();
    if (setup.faults.length > 0) throw new Error(String(setup.faults[0]));
  });

  const story = (): ApprovalRequest[] => {
    const at = '2026-11-23T03:05:00.000Z';
    const votes = [{ by: bob, at, reason: 'go' }];
    const approved = advance(proposed, 'approved', { votes });
    const executing = advance(approved, 'executing', {});
    const report = { items: [], summary: '2 ended.', finished: true };
    const verifying = advance(executing, 'verifying', {
      result: { report, outcome: null, endedAt: at },
    });
    const outcome = {
      word: 'refilled',
      sentence: '97 of 97 used before, 60 right after, 97 after 60 s.',
      before: null,
      after: null,
      later: null,
    } as const;
    const done = advance(verifying, 'done', { result: { report, outcome, endedAt: at } });
    return [proposed, approved, executing, verifying, done];
  };

  test('each state is told once, by whichever of several processes, however often it is heard', async () => {
    const others = await Promise.all([setup.another(), setup.another()]);
    for (const request of story()) {
      await Promise.all(
        [setup.incidents, ...others].map((incidents) => incidents.requestChanged(request)),
      );
      await setup.incidents.requestChanged(request);
    }
    expect((await setup.sentences(id)).slice(1)).toEqual([
      '<@UANN> proposed option A: End 2 sessions idle in transaction for over 10 min.',
      '<@UBOB> approved option A.',
      'Option A started: End 2 sessions idle in transaction for over 10 min.',
      'Option A ran: 2 ended.',
      'Option A: filled up again. 97 of 97 used before, 60 right after, 97 after 60 s.',
    ]);
  });

  test('a no is told with its reason as a quotation', async () => {
    const closing = {
      by: bob,
      at: '2026-11-23T03:05:00.000Z',
      sentence: 'An approver denied it.',
      reason: '<!here> no',
    };
    await setup.incidents.requestChanged(advance(proposed, 'denied', { closing }));
    const note = (await setup.journal.readNotes(id, 0)).at(-1);
    expect(note).toMatchObject({
      sentence: 'Option A did not run. An approver denied it.',
      quote: '<!here> no',
      by: bob,
    });
  });

  test('a request of a target without an incident, or long after its end, is nobody here', async () => {
    const { length } = await setup.journal.entries();
    await setup.incidents.requestChanged({ ...proposed, target: 'till' });
    expect(await setup.journal.entries()).toHaveLength(length);
    must(await setup.incidents.resolve(id, ann, 'over'));
    await setup.clock.move(9 * 60_000);
    await setup.incidents.requestChanged(proposed);
    expect(await setup.sentences(id)).toContain(
      '<@UANN> proposed option A: End 2 sessions idle in transaction for over 10 min.',
    );
    await setup.clock.move(2 * 60_000);
    const ended = await setup.journal.entries();
    await setup.incidents.requestChanged(advance(proposed, 'expired', {}));
    expect(await setup.journal.entries()).toHaveLength(ended.length);
  });

  test('what is proposed after the end is about something else', async () => {
    must(await setup.incidents.resolve(id, ann, 'over'));
    await setup.clock.move(60_000);
    const told = await setup.sentences(id);
    const proposedAt = new Date(setup.clock.now()).toISOString();
    await setup.incidents.requestChanged({ ...proposed, id: 'r2', proposedAt });
    expect(await setup.sentences(id)).toEqual(told);
  });

  test('what was done for an incident before is not told again in the next one', async () => {
    must(await setup.incidents.resolve(id, ann, 'over'));
    await setup.clock.move(2 * 3_600_000);
    const next = must(await setup.incidents.open('shop', ann, 'again'));
    const done = story().at(-1);
    if (done === undefined) throw new Error('no end');
    await setup.incidents.requestChanged(done);
    expect(await setup.sentences(next.id)).toHaveLength(1);
  });

  test('the evidence before a remedy and after it is kept', async () => {
    await setup.looks(used(97), 30_000);
    for (const request of story()) await setup.incidents.requestChanged(request);
    await setup.clock.move(400_000);
    await setup.looks(used(60), 0);
    const notes = await setup.journal.readNotes(id, 0);
    const whys = notes.flatMap(({ facts }) => facts?.['why'] ?? []);
    expect(whys).toEqual(['first', 'before:r1', 'after:r1']);
  });

  test('twenty looks with all evidence are kept, however much happens', async () => {
    await setup.looks(used(97), 30_000);
    for (let index = 0; index < 40; index += 1) {
      const [, approved] = story();
      if (approved === undefined) throw new Error('no vote');
      await setup.incidents.requestChanged({ ...approved, id: `r${index}` });
    }
    const notes = await setup.journal.readNotes(id, 0);
    expect(notes.filter(({ facts }) => facts !== undefined && 'examination' in facts)).toHaveLength(
      19,
    );
  });

  test('a journal that is gone is a fault of its own, never a broken click', async () => {
    setup.folder.closeJournals();
    await setup.incidents.requestChanged(proposed);
    expect(setup.faults.splice(0)).toHaveLength(1);
  });
});
