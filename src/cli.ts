import { existsSync } from 'node:fs';
import { userInfo } from 'node:os';
import { parseArgs, styleText } from 'node:util';
import { systemClock } from './clock.ts';
import { ConfigError, readConfig, readEnvironment } from './config.ts';
import type { Config } from './config.ts';
import { noJournal } from './journal/no-journal.ts';
import { openDoor, openJournal } from './open-door.ts';
import { createPatients } from './patients.ts';
import { JournalUnavailable } from './runbook/approval/journal-unavailable.ts';
import { descriptions, parseCommand } from './runbook/commands.ts';
import type { Command } from './runbook/commands.ts';
import { createRunbook } from './runbook/runbook.ts';
import type { Runbook } from './runbook/runbook.ts';
import { change, parseOwnCommand } from './terminal/change.ts';
import type { Change } from './terminal/change.ts';
import { exitCodeOf, exitCodeOfChecks, exitCodes } from './terminal/exit-codes.ts';
import { renderJson } from './terminal/json.ts';
import type { Paint } from './terminal/layout.ts';
import { renderChecks, renderDiagnosis } from './terminal/render.ts';

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
      config: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help || positionals[0] === 'help') return printHelp();
  const config = readConfig(readEnvironment(), values.config);
  const names = config.targets.map(({ target }) => target.name);
  if (positionals[0] === 'journal') return verifyJournal(config, positionals.slice(1));
  const own = parseOwnCommand(positionals);
  if (own !== undefined) return runChange(config, own, false);
  const words = positionals[0] === 'propose' ? positionals.map(quoted) : positionals;
  const command = parseCommand(words.join(' '), names);
  if (command.kind === 'help') return printHelp(command.problem);
  if (command.kind !== 'look') return runChange(config, command, values['dry-run']);
  const runbook = createRunbook(await createPatients(config, systemClock), systemClock);
  try {
    if (!values.watch) return await answer(runbook, command, values.json);
    return await watch(runbook, command, values.json);
  } finally {
    await runbook.close();
  }
}

/** An argument with spaces is one name, as the shell had it. */
function quoted(argument: string): string {
  return /\s/.test(argument) ? `"${argument}"` : argument;
}

async function runChange(config: Config, asked: Change, dryRun: boolean): Promise<number> {
  const patients = await createPatients(config, systemClock);
  const journal = dryRun ? undefined : await openJournal(config, systemClock);
  try {
    const door = openDoor({
      config,
      patients,
      journal: journal ?? noJournal,
      clock: systemClock,
      // Nothing runs in this process, so nobody waits for news of it.
      onChange: () => undefined,
      onFault: (_, error) => console.error(error),
    });
    const actor = { id: userInfo().username, via: 'terminal' } as const;
    const targets = patients.map(({ target }) => target);
    const { text, code } = await change({ door, actor, targets, dryRun, paint }, asked);
    (code === exitCodes.fine ? console.log : console.error)(text);
    return code;
  } finally {
    await Promise.all(patients.map(({ database }) => database.close()));
    journal?.close();
  }
}

async function verifyJournal(config: Config, [word]: readonly string[]): Promise<number> {
  if (word !== 'verify') return printHelp('After journal comes verify.');
  if (!existsSync(config.journal)) {
    console.error(`There is no journal at ${config.journal}.`);
    return exitCodes.unknown;
  }
  const journal = await openJournal(config, systemClock);
  try {
    const found = await journal.verify();
    if (found.ok) {
      console.log(`The journal is whole: ${found.entries} entries, its end is ${found.head}.`);
      return exitCodes.fine;
    }
    const where = found.seq === null ? '' : ` Entry ${found.seq}:`;
    console.error(`The journal is not as it was written.${where} ${found.problem}`);
    return exitCodes.critical;
  } finally {
    journal.close();
  }
}

type Look = Extract<Command, { kind: 'look' }>;

async function answer(runbook: Runbook, { word, target }: Look, json: boolean): Promise<number> {
  if (word === 'doctor') {
    const checks = await runbook.doctor(target);
    console.log(json ? JSON.stringify(checks, null, 2) : renderChecks(target, checks, paint));
    return exitCodeOfChecks(checks);
  }
  const diagnosis = await runbook.diagnose(target);
  console.log(json ? renderJson(diagnosis) : renderDiagnosis(diagnosis, word, paint));
  return exitCodeOf(diagnosis);
}

async function watch(runbook: Runbook, command: Look, json: boolean): Promise<number> {
  const interrupted = new AbortController();
  process.once('SIGINT', () => interrupted.abort());
  let code: number = exitCodes.unknown;
  while (!interrupted.signal.aborted) {
    if (process.stdout.isTTY && !json) process.stdout.write(clearScreen);
    code = await answer(runbook, command, json);
    // The interrupt ends the pause, and with it the watch.
    await systemClock.sleep(watchEveryMs, interrupted.signal).catch(() => undefined);
  }
  return code;
}

function printHelp(problem?: string): number {
  const lines = [
    ...(problem === undefined ? [] : [problem, '']),
    'Usage: dbconn [word] [target] [--json] [--watch] [--dry-run] [--config FILE]',
    '',
    ...Object.entries(descriptions).map(([word, line]) => `  ${word.padEnd(9)} ${line}`),
    '',
    'In a terminal only:',
    '  propose … --dry-run   shows the plan and records nothing',
    '  deny ID [reason]      ends a proposal; approving goes in Slack only',
    '  journal verify        whether the journal is as it was written',
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
