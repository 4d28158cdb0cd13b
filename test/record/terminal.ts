import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { readOnlyWords } from '../../src/runbook/commands/words.ts';

/** The words that show a Diagnosis. */
export const lookWords = readOnlyWords.filter((word) => word !== 'doctor');

/** `dbconn …` as a process of its own: what it prints, where, and how it ends. */
export interface Typed {
  readonly typed: string;
  /** `exit_0`: a figure is forgotten where real servers are looked at, and this one never may be. */
  readonly exit: string;
  readonly out: readonly string[];
  readonly err: readonly string[];
}

const withJson = ['status', 'doctor', 'incidents', 'history', 'prevention', 'requests'];

export const everyWord: readonly string[] = [
  'help',
  'nonsense',
  'status',
  'doctor',
  'incidents',
  'history',
  'prevention',
  'requests',
  ...withJson.map((word) => `${word} --json`),
  'preview A',
  'preview B',
  'preview C billing',
  'preview D',
  'preview E billing',
  'preview prevention idle-in-transaction 10m',
  'journal verify',
  'journal nonsense',
  'approve nobody',
  'status nowhere',
];

const cli = fileURLToPath(new URL('../../src/cli.ts', import.meta.url));

export async function runInTerminal(typed: string, configFile: string): Promise<Typed> {
  const child = spawn(process.execPath, [cli, ...typed.split(' ')], {
    env: {
      PATH: process.env['PATH'],
      DBCONN_CONFIG: configFile,
      NO_COLOR: '1',
      COLUMNS: '80',
      NODE_NO_WARNINGS: '1',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [out, err] = await Promise.all([
    child.stdout.toArray(),
    child.stderr.toArray(),
    once(child, 'close'),
  ]);
  return { typed, exit: `exit_${child.exitCode}`, out: toParagraphs(out), err: toParagraphs(err) };
}

/** Paragraphs without line breaks: figures of another width break lines elsewhere. Of JSON its keys alone. */
function toParagraphs(chunks: readonly Buffer[]): readonly string[] {
  const text = Buffer.concat(chunks).toString('utf8').trim();
  if (/^[[{]/.test(text)) return [...new Set(keysOf(JSON.parse(text)))].toSorted();
  return text.split(/\n\s*\n/).map((one) => one.replaceAll(/\s+/g, ' '));
}

/** `capacity.byState.active`, `sources.[].user`. */
function keysOf(value: unknown, path: readonly string[] = []): string[] {
  if (Array.isArray(value)) return value.flatMap((one) => keysOf(one, [...path, '[]']));
  if (typeof value !== 'object' || value === null) return [path.join('.')];
  return Object.entries(value).flatMap(([key, one]) => keysOf(one, [...path, key]));
}
