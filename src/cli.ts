import { userInfo } from 'node:os';
import { parseArgs, styleText } from 'node:util';
import { systemClock } from './clock.ts';
import { ConfigError, readConfig, readEnvironment } from './config.ts';
import type { Config } from './config.ts';
import { noJournal } from './journal/no-journal.ts';
import { openDoor } from './open-door.ts';
import { runJournalCommand } from './journal-command.ts';
import { openJournal } from './open-journal.ts';
import { createPatients } from './patients.ts';
import { JournalUnavailable } from './runbook/approval/journal-unavailable.ts';
import { descriptions, parseCommand } from './runbook/commands.ts';
import type { Command } from './runbook/commands.ts';
import { proposalUsages } from './runbook/remedies/wanted.ts';
import type { Door } from './runbook/approval/door.ts';
import { createRunbook } from './runbook/runbook.ts';
import type { Patient, Runbook } from './runbook/runbook.ts';
import { change } from './terminal/change.ts';
import type { Change } from './terminal/change.ts';
import { exitCodeOf, exitCodeOfChecks, exitCodes } from './terminal/exit-codes.ts';
import { renderJson } from './terminal/json.ts';
import type { Paint } from './terminal/layout.ts';
import { parseOwnCommand } from './terminal/own-command.ts';
import { renderChecks, renderDiagnosis } from './terminal/render.ts';
import { renderNews } from './terminal/render-requests.ts';

/** Pauses between two looks of --watch; a look every two seconds costs the server nothing it would notice. */
const watchEveryMs = 2000;
const clearScreen = '\u001B[2J\u001B[H';

// styleText heeds NO_COLOR and leaves text alone where standard output is no terminal.
const paint: Paint = (tone, text) => styleText(tone, text, { stream: process.stdout });

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      json: { type: 'boolean', default: false },
      watch: { type: 'boolean', default: false },
      'dry-run': { type: 'boolean', default: false },
      'break-glass': { type: 'boolean', default: false },
      reason: { type: 'string' },
      over: { type: 'string' },
      config: { type: 'string' },
      format: { type: 'string', default: 'md' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help || positionals[0] === 'help') return printHelp();
  const config = readConfig(readEnvironment(), values.config);
  const names = config.targets.map(({ target }) => target.name);
  if (positionals[0] === 'journal') return runJournal(config, positionals.slice(1), values.format);
  const { reason } = values;
  const own = parseOwnCommand(positionals, { breakGlass: values['break-glass'], reason });
  if (own !== undefined) return runChange(config, own, false);
  const words = toWords(positionals, values.over);
  const command = parseCommand(words.join(' '), names);
  if (command.kind === 'help') return printHelp(command.problem);
  if (command.kind !== 'look') {
    const isPreview = command.kind === 'propose' && command.isPreview;
    return runChange(config, command, values['dry-run'] || isPreview);
  }
  const patients = await createPatients(config, systemClock);
  const runbook = createRunbook(patients, systemClock);
  const look = { runbook, door: lookingDoor(config, patients), json: values.json };
  try {
    return await (values.watch ? watch(look, command) : answer(look, command));
  } finally {
    await runbook.close();
  }
}

/** The words as they are typed in Slack, where there are no flags and a shell took no quotes away. */
function toWords(positionals: readonly string[], over: string | undefined): readonly string[] {
  const [word = ''] = positionals;
  if (!['propose', 'preview'].includes(word)) return positionals;
  return [...positionals.map(quoted), ...(over === undefined ? [] : ['over', quoted(over)])];
}

/** An argument with spaces is one name, as the shell had it. */
function quoted(argument: string): string {
  return /\s/.test(argument) ? `"${argument}"` : argument;
}

async function runChange(config: Config, asked: Change, dryRun: boolean): Promise<number> {
  const patients = await createPatients(config, systemClock);
  const journal = dryRun ? undefined : await openJournal(config, systemClock, console.warn);
  try {
    const door = openDoor({
      config,
      patients,
      journal: journal ?? noJournal,
      clock: systemClock,
      // Only what the exception runs has steps here.
      onChange: (_, news) => news !== undefined && console.log(renderNews(news)),
      onFault: (_, error) => console.error(error),
    });
    const actor = { id: userInfo().username, via: 'terminal' } as const;
    const targets = patients.map(({ target }) => target);
    const { text, code } = await change({ door, actor, targets, dryRun, paint }, asked);
    (code === exitCodes.fine ? console.log : console.error)(text);
    return code;
  } finally {
    await Promise.all(patients.map(({ database }) => database.close()));
    await journal?.close();
  }
}

async function runJournal(
  config: Config,
  words: readonly string[],
  format: string,
): Promise<number> {
  const { text, code } = await runJournalCommand(config, { words, format }, console.warn);
  (code === exitCodes.unknown ? console.error : console.log)(text);
  return code;
}

type Look = Extract<Command, { kind: 'look' }>;

interface Looking {
  readonly runbook: Runbook;
  readonly door: Door;
  readonly json: boolean;
}

/** Knows the rules of approval and records nothing: for what doctor says of them. */
function lookingDoor(config: Config, patients: readonly Patient[]): Door {
  return openDoor({
    config,
    patients,
    journal: noJournal,
    clock: systemClock,
    onChange: () => undefined,
    onFault: (_, error) => console.error(error),
  });
}

async function answer({ runbook, door, json }: Looking, { word, target }: Look): Promise<number> {
  if (word === 'doctor') {
    const checks = [...(await runbook.doctor(target)), ...door.check(target)];
    console.log(json ? JSON.stringify(checks, null, 2) : renderChecks(target, checks, paint));
    return exitCodeOfChecks(checks);
  }
  const diagnosis = await runbook.diagnose(target);
  console.log(json ? renderJson(diagnosis) : renderDiagnosis(diagnosis, word, paint));
  return exitCodeOf(diagnosis);
}

async function watch(look: Looking, command: Look): Promise<number> {
  const interrupted = new AbortController();
  process.once('SIGINT', () => interrupted.abort());
  let code: number = exitCodes.unknown;
  while (!interrupted.signal.aborted) {
    if (process.stdout.isTTY && !look.json) process.stdout.write(clearScreen);
    code = await answer(look, command);
    // The interrupt ends the pause, and with it the watch.
    await systemClock.sleep(watchEveryMs, interrupted.signal).catch(() => undefined);
  }
  return code;
}

function printHelp(problem?: string): number {
  const lines = [
    ...(problem === undefined ? [] : [problem, '']),
    'Usage: dbconn [word] [target] [--json] [--watch] [--dry-run] [--over DURATION] [--config FILE]',
    '',
    ...Object.entries(descriptions).map(([word, line]) => `  ${word.padEnd(11)} ${line}`),
    '',
    'What can be proposed, and where there are several targets, its target at the end:',
    ...proposalUsages.map(([usage, what]) => `  ${usage}\n      ${what}`),
    '',
    'In a terminal only:',
    '  propose … --dry-run   shows the plan and records nothing, as preview does',
    '  deny ID [reason]      ends a proposal; approving goes in Slack only',
    '  approve ID --break-glass --reason TEXT',
    '                        runs it without its votes, where dbconn.yml allows that to you',
    '  journal verify        whether the journal is as it was written',
    '  journal export [ID] [--format md|json]',
    '                        the record of everything, or of one request',
    '',
    'Without a dbconn.yml, DATABASE_URL names the database.',
    'Exit status: 0 fine, 1 warning, 2 critical, 3 cannot judge.',
  ];
  (problem === undefined ? console.log : console.error)(lines.join('\n'));
  return problem === undefined ? exitCodes.fine : exitCodes.unknown;
}

try {
  process.exitCode = await main();
} catch (error) {
  const expected =
    error instanceof ConfigError ||
    error instanceof JournalUnavailable ||
    error instanceof TypeError;
  console.error(expected ? error.message : error);
  process.exitCode = exitCodes.unknown;
}
