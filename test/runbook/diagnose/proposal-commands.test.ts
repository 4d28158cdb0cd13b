import { expect, test } from 'vitest';
import { diagnose } from '../../../src/runbook/diagnose/diagnose.ts';
import type { Proposal } from '../../../src/runbook/diagnose/diagnosis.ts';
import type { DiagnoseInput } from '../../../src/runbook/diagnose/evidence.ts';
import { toCommand } from '../../../src/runbook/diagnose/proposals/proposal.ts';
import { parseCommand } from '../../../src/runbook/commands/parse-command.ts';
import { actionOf } from '../../../src/runbook/remedies/remedy-request.ts';
import { toRemedyRequest } from '../../../src/runbook/commands/parse-remedy.ts';
import { aTarget } from './builders.ts';
import * as scenes from './scenes.ts';

/** The night a scene tells, on a server whose acting role may do what is proposed. */
function proposalsOf(night: DiagnoseInput): readonly Proposal[] {
  return diagnose({ ...night, target: { ...night.target, canAct: true } }).proposals;
}

const nights = {
  leakInTransaction: scenes.leakInTransaction,
  leakIdle: scenes.leakIdle,
  uncommitted: scenes.uncommitted,
  scaling: scenes.scaling,
  poolTooLarge: scenes.poolTooLarge,
  poolTooSmall: scenes.poolTooSmall,
  lockContention: scenes.lockContention,
} as const;

test.for(Object.entries(nights))(
  'on the night of %s every proposal that can be made has words that ask for the same option',
  ([, night]) => {
    const possible = proposalsOf(night()).filter(({ blocked }) => blocked === null);
    const asked = possible.map(({ command = 'nothing' }) => {
      const parsed = parseCommand(command, ['orders']);
      if (parsed.kind !== 'propose') return `${command} is no proposal`;
      return actionOf(toRemedyRequest(parsed.remedyCommand, aTarget().limits));
    });
    expect(asked).toEqual(possible.map(({ option }) => option));
    expect(possible.length).toBeGreaterThan(0);
  },
);

test('the words of B name the number that its summary promises', () => {
  const raise = proposalsOf(scenes.scaling()).find(({ option }) => option === 'B');
  const [, to = ''] = /max_connections from \d+ to (\d+)/.exec(raise?.summary ?? '') ?? [];
  expect(raise?.command).toBe(`propose B ${to}`);
});

test('a name that is no plain name is never put on a button', () => {
  expect(toCommand('C', 'my backend')).toBe('propose C "my backend"');
  for (const name of ['<!channel>', 'a"b', '*Approve*', 'x'.repeat(64), '\u202Eevil', '']) {
    expect(toCommand('A', name)).toBeUndefined();
  }
});
