import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ConfigError } from '../../src/config/environment.ts';
import { readConfig } from '../../src/config/config.ts';
import { toPolicy } from '../../src/config/to-rules.ts';
import { defaultPolicy, defaultPolicyOf } from '../../src/runbook/approvals/policy.ts';
import type { Policy } from '../../src/runbook/approvals/policy.ts';

let directory = '';
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'dbconn-approval-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

function policyOf(approval: string, slack = 'slack: { channel: C0123456789 }'): Policy {
  const path = join(directory, 'dbconn.yml');
  const target = 'targets: [{ name: a, database: { url: postgres://me@db/x } }]';
  writeFileSync(path, `${slack}\n${target}\napproval:\n${approval}\n`);
  return toPolicy(readConfig({}, path).approval);
}

function problemsOf(approval: string, slack?: string): string {
  try {
    policyOf(approval, slack);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.join('\n');
    throw error;
  }
  return '';
}

test('what is left out is the default of that action', () => {
  const { options, ...rest } = policyOf('  B: { approve: [U0123456780, S0123456789] }');
  expect(options).toEqual({
    B: { ...defaultPolicyOf('B'), approvers: ['U0123456780', 'S0123456789'] },
  });
  const { options: _none, ...defaults } = defaultPolicy;
  expect(rest).toEqual(defaults);
});

test('every rule of every action can be told', () => {
  for (const action of ['A', 'B', 'C', 'D', 'E', 'prepared', 'prevention']) {
    const { options } = policyOf(
      `  ${action}: { propose: [W0123456780], approve: [S0123456789], votes: 3, clusterWideVotes: 4, proposerMayVote: true, reasonRequired: true, expiry: 5m, cooldown: 0s }`,
    );
    expect(Object.entries(options)).toEqual([
      [
        action,
        {
          proposers: ['W0123456780'],
          approvers: ['S0123456789'],
          votes: 3,
          clusterWideVotes: 4,
          proposerMayVote: true,
          reasonRequired: true,
          expiresAfterMs: 300_000,
          cooldownMs: 0,
        },
      ],
    ]);
  }
});

test('what holds for all of them can be told', () => {
  const policy = policyOf(`
  readOnly: true
  expiry: 1h
  leastLeft: 0.75
  terminalUsers: { jonas: U0123456780 }
  breakGlass: { users: [U0123456780], terminal: [jonas], actions: [A, prepared] }`);
  expect(policy).toEqual({
    options: {},
    readOnly: true,
    expiresAfterMs: 3_600_000,
    leastShareLeft: 0.75,
    terminalUsers: { jonas: 'U0123456780' },
    breakGlass: { users: ['U0123456780'], terminal: ['jonas'], actions: ['A', 'prepared'] },
  });
});

test.for([
  ['  F: { approve: [U0123456780] }', 'F'],
  ['  A: { approve: [jonas] }', 'approval.A.approve.0: is not the id of a person or a user group'],
  ['  A: { approve: [C0123456789] }', 'approval.A.approve.0: is not the id of'],
  ['  A: { votes: 0 }', 'approval.A.votes'],
  ['  A: { votes: 99 }', 'approval.A.votes'],
  ['  A: { expiry: 0s }', 'approval.A.expiry: is a duration of at most 24h'],
  ['  expiry: 2d', 'approval.expiry: is a duration of at most 24h'],
  ['  leastLeft: 50', 'approval.leastLeft: is a share from 0 to 1'],
  [
    '  breakGlass: { users: [S0123456789] }',
    'approval.breakGlass.users.0: is not the id of a person',
  ],
  ['  breakGlass: { actions: [F] }', 'approval.breakGlass.actions.0'],
  ['  terminalUsers: { jonas: S0123456789 }', 'approval.terminalUsers.jonas: is not the id of'],
] as const)('%s is a problem with a name', ([approval, problem]) => {
  expect(problemsOf(approval)).toContain(problem);
});

test('break-glass without a channel to announce it in is a problem', () => {
  const approval = '  breakGlass: { users: [U0123456780], actions: [A] }';
  expect(problemsOf(approval, '')).toContain('approval.breakGlass: needs slack.channel');
  expect(problemsOf(approval)).toBe('');
  expect(problemsOf('  breakGlass: { users: [U0123456780] }', '')).toBe('');
});
