import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ConfigError, interpolate } from '../../src/config/environment.ts';
import { readConfig } from '../../src/config/config.ts';
import type { Config } from '../../src/config/config.ts';

/** A file as people carry it over from Compose: with default values for what is not set. */
const defaultValues = `
targets:
  - name: orders
    database: { url: 'postgres://dbconn@127.0.0.1:5432/postgres' }
    services: [{ name: backend }]
    pools: [{ service: backend, url: 'http://127.0.0.1:8000/metrics', headers: { authorization: 'Bearer \${METRICS_TOKEN:-nothing}' } }]
alerts: { bearer: '\${DBCONN_WEBHOOK_TOKEN:-change-me-change-me}' }
journal: \${DBCONN_JOURNAL_FILE:-dbconn.sqlite}
`;

let directory = '';
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'dbconn-field-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

function read(text: string, environment: Record<string, string> = {}): Config {
  const file = join(directory, 'dbconn.yml');
  writeFileSync(file, text);
  return readConfig(environment, file);
}

function problemsOf(text: string, environment: Record<string, string> = {}): readonly string[] {
  try {
    read(text, environment);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}

describe('default values', () => {
  test('stand in for what is not set, and give way to what is', () => {
    const unset = read(defaultValues);
    expect(unset.alerts.bearer).toBe('change-me-change-me');
    expect(unset.journal).toBe('dbconn.sqlite');
    expect(unset.targets[0]?.pools[0]?.headers).toEqual({ authorization: 'Bearer nothing' });
    const set = read(defaultValues, {
      METRICS_TOKEN: 't',
      DBCONN_WEBHOOK_TOKEN: 'a'.repeat(20),
      DBCONN_JOURNAL_FILE: '/data/j.sqlite',
    });
    expect(set.alerts.bearer).toBe('a'.repeat(20));
    expect(set.journal).toBe('/data/j.sqlite');
    expect(set.targets[0]?.pools[0]?.headers).toEqual({ authorization: 'Bearer t' });
  });

  test('are the shell’s, form by form, for variables that are set, empty and missing', () => {
    const values = [undefined, '', 'v', 'v w', '${B}', 'x}y', "it's #1"];
    const cases = forms.flatMap((form) =>
      values.flatMap((A) => values.map((B) => ({ form, set: { A, B } }))),
    );
    const ours = cases.map(({ form, set }) => {
      const problems: string[] = [];
      const text = interpolate(form, { environment: set, problems, path: 'key' });
      return problems.length > 0 ? refused : text;
    });
    expect(ours).toEqual(inShell(cases));
  });

  test('a message of one that must be set is the problem', () => {
    const text = defaultValues.replace('TOKEN:-nothing', 'TOKEN:?create one in the vault');
    expect(problemsOf(text)).toEqual([
      'The environment variable METRICS_TOKEN is not set: create one in the vault.',
    ]);
    expect(problemsOf(text, { METRICS_TOKEN: '' })).toEqual([
      'The environment variable METRICS_TOKEN is empty: create one in the vault.',
    ]);
  });
});

const forms = `
\${A}|\${A:-x y}|\${A-x}|\${A:-}|\${A-}|\${A:?no A}|\${A?no A}|\${A:?}|\${A?}|\${A:--1}|\${A:-:-}|pre\${A:-http://h:1/p?q=1}post
\${A:-\${B:-z}}|\${A-\${B}}-\${B:-b}|<\${A:-a:b-c?d=e}>|\${A:-\${B:?no B}}|{\${A:-2}}|\${A:-\${B-\${A-y}}}`
  .trim()
  .split(/[|\n]/);

const refused = '\u0001';

interface Case {
  readonly form: string;
  readonly set: Readonly<Record<string, string | undefined>>;
}

/** What `sh -u` makes of each within double quotes: a plain `${NAME}` that is missing is refused here too. */
function inShell(cases: readonly Case[]): readonly string[] {
  const script = cases.map(({ form, set }) => {
    const given = Object.entries(set)
      .filter(([, value]) => value !== undefined)
      .map(([name, value = '']) => `${name}='${value.replaceAll("'", "'\\''")}';`);
    return `(unset A B; ${given.join(' ')} printf %s "${form}") || printf '\\001'; printf '\\036'`;
  });
  const said = execFileSync('/bin/sh', ['-u'], {
    encoding: 'utf8',
    stdio: ['pipe', 'pipe', 'ignore'],
    input: script.join('\n'),
  });
  return said.split('\u001e').slice(0, -1);
}

test.for<[string, string]>([
  ['${METRICS_TOKEN:+hunter2}', '${METRICS_TOKEN:+…}'],
  ['${METRICS_TOKEN:=hunter2}', '${METRICS_TOKEN:=…}'],
  ['${METRICS_TOKEN#hunter2}', '${METRICS_TOKEN#…}'],
  ['${METRICS_TOKEN/hunter2/x}', '${METRICS_TOKEN/…}'],
  ['${METRICS_TOKEN:0:7}', '${METRICS_TOKEN:…}'],
  ['${METRICS_TOKEN[0]}', '${METRICS_TOKEN[…}'],
  ['${#METRICS_TOKEN}', '${…}'],
  ['${ METRICS_TOKEN }', '${…}'],
  ['${env:METRICS_TOKEN}', '${env:…}'],
  ['${METRICS.TOKEN:-hunter2}', '${METRICS…}'],
  ['${METRICS_TOKEN:-$hunter2}', '${METRICS_TOKEN:-…} with $, ` or \\ in it'],
  ['$${METRICS_TOKEN}', '$${…}'],
  ['${}', '${…}'],
  ['${METRICS_TOKEN:-hunter2', '${ without its }'],
])('the form %s is refused with its key and without its value', ([form, named]) => {
  const text = defaultValues.replace('${METRICS_TOKEN:-nothing}', () => form);
  const problems = problemsOf(text, { METRICS_TOKEN: 'hunter2hunter2' });
  const [problem = ''] = problems;
  expect(problems).toHaveLength(1);
  expect(problem).toContain(`targets.0.pools.0.headers.authorization: ${named} is not read here.`);
  expect(problem).not.toContain('hunter2');
});

test('a key is no place for a variable, and says so', () => {
  const tree: unknown = parse("labels: { '${A:-x}': y }");
  const problems: string[] = [];
  interpolate(tree, { environment: {}, problems, path: '' });
  expect(problems).toEqual(['labels.…: ${…} is read in values, not in keys.']);
});
