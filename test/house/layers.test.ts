import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';

/** A tree that breaks each rule of the house once, and the linter's configuration of this one. */
const sins: Readonly<Record<string, readonly [code: string, ...rules: string[]]>> = {
  'src/runbook/snapshot/io.ts': ["import 'node:fs';\nimport 'pg';", 'no-restricted-imports'],
  'src/runbook/loop/adapter.ts': ["import '../../postgres/a.ts';", 'no-restricted-imports'],
  'src/runbook/clock.ts': ['export const now = Date.now();', 'no-restricted-properties'],
  'src/runbook/timer.ts': ['setTimeout(() => {}, 1);', 'no-restricted-globals'],
  'src/runbook/snapshot/up.ts': ["import '../diagnose/a.ts';", 'no-restricted-imports'],
  'src/runbook/diagnose/causes/up.ts': [
    "import type { A } from '../../remedies/a.ts';\nexport type B = A;",
    'no-restricted-imports',
  ],
  'src/runbook/remedies/a-terminate-idle/up.ts': [
    "import '../../approvals/a.ts';",
    'no-restricted-imports',
  ],
  'src/runbook/approvals/up.ts': ["import '../incidents/a.ts';", 'no-restricted-imports'],
  'src/runbook/incidents/up.ts': ["import '../escalation/a.ts';", 'no-restricted-imports'],
  'src/runbook/escalation/up.ts': ["import '../reports/a.ts';", 'no-restricted-imports'],
  'src/runbook/reports/up.ts': ["import '../loop/a.ts';", 'no-restricted-imports'],
  'src/runbook/loop/up.ts': ["import '../commands/a.ts';", 'no-restricted-imports'],
  'src/postgres/a.ts': ["import '../docker/a.ts';", 'no-restricted-imports'],
  'src/postgres/config.ts': ["import '../config/config.ts';", 'no-restricted-imports'],
  'src/pgbouncer/a.ts': ["import '../postgres/b.ts';", 'no-restricted-imports'],
  'src/docker/a.ts': ["import '../slack/a.ts';", 'no-restricted-imports'],
  'src/pool-metrics/a.ts': ["import '../journal/a.ts';", 'no-restricted-imports'],
  'src/pagers/a.ts': ["import '../app/a.ts';", 'no-restricted-imports'],
  'src/loki/a.ts': ["import '../docker/a.ts';", 'no-restricted-imports'],
  'src/docker/b.ts': ["import '../loki/a.ts';", 'no-restricted-imports'],
  'src/mcp/a.ts': ["import '../runbook/approvals/a.ts';", 'no-restricted-imports'],
  'src/mcp/b.ts': ["import '../runbook/remedies/a.ts';", 'no-restricted-imports'],
  'src/mcp/c.ts': ["import '../postgres/b.ts';", 'no-restricted-imports'],
  'src/mcp/d.ts': ["import '../app/a.ts';", 'no-restricted-imports'],
  'src/http/a.ts': ["import '../slack/a.ts';", 'no-restricted-imports'],
  'src/journal/sqlite/a.ts': ["import '../../terminal/a.ts';", 'no-restricted-imports'],
  'src/slack/a.ts': ["import '../postgres/b.ts';", 'no-restricted-imports'],
  'src/slack/messages/kit/a.ts': ["import '../b.ts';", 'no-restricted-imports'],
  'src/slack/messages/a.ts': ["import '../live/b.ts';", 'no-restricted-imports'],
  'src/slack/live/a.ts': ["import '../handlers/b.ts';", 'no-restricted-imports'],
  'src/terminal/render/a.ts': ["import '../../docker/b.ts';", 'no-restricted-imports'],
  'src/terminal/environment.ts': ["export const a = process.env['A'];", 'no-process-env'],
  'src/ring/one.ts': [
    "import { two } from './two.ts';\nexport const one = (): unknown => two;",
    'no-cycle',
  ],
  'src/ring/two.ts': [
    "import { one } from './one.ts';\nexport const two = (): unknown => one;",
    'no-cycle',
  ],
  'src/type-ring/one.ts': [
    "import type { Two } from './two.ts';\nexport interface One {\n  readonly two?: Two;\n}",
    'no-cycle',
  ],
  'src/type-ring/two.ts': [
    "import type { One } from './one.ts';\nexport interface Two {\n  readonly one?: One;\n}",
    'no-cycle',
  ],
  'src/default.ts': ['export default 1;', 'no-default-export'],
  'src/floating.ts': [
    'export function f(): void {\n  Promise.resolve(1);\n}',
    'no-floating-promises',
  ],
  'src/innocent.ts': ['export const one = 1;'],
};

const Report = z.object({
  diagnostics: z.array(z.object({ code: z.string(), filename: z.string() })),
});
const root = fileURLToPath(new URL('../..', import.meta.url));
let directory = '';
let found: readonly { code: string; filename: string }[] = [];

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'dbconn-layers-'));
  for (const file of ['.oxlintrc.json', 'tsconfig.json', 'package.json']) {
    cpSync(join(root, file), join(directory, file));
  }
  symlinkSync(join(root, 'node_modules'), join(directory, 'node_modules'));
  for (const [path, [code]] of Object.entries(sins)) {
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    writeFileSync(join(directory, path), `${code}\n`);
  }
  found = Report.parse(JSON.parse(lint())).diagnostics;
});

afterAll(() => rmSync(directory, { recursive: true, force: true }));

function lint(): string {
  try {
    return execFileSync('npx', ['oxlint', '--format=json'], { cwd: directory, encoding: 'utf8' });
  } catch (error) {
    return z.object({ stdout: z.string() }).parse(error).stdout; // it exits with 1 when it finds something
  }
}

test.for(Object.entries(sins))('%s is caught for what it does', ([path, [, ...rules]]) => {
  const codes = found.filter(({ filename }) => filename === path).map(({ code }) => code);
  const caught = rules.filter((rule) => codes.some((code) => code.includes(rule)));
  expect(caught).toEqual(rules);
  expect(codes.length > 0).toBe(rules.length > 0);
});
