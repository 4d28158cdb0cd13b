import { parseArgs, styleText } from 'node:util';
import { systemClock } from './clock.ts';
import { ConfigError, readConfig, readEnvironment } from './config.ts';
import { createPatients } from './patients.ts';
import { descriptions, lookingWords, parseCommand } from './runbook/commands.ts';
import type { Command } from './runbook/commands.ts';
import { createRunbook } from './runbook/runbook.ts';
import type { Runbook } from './runbook/runbook.ts';
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
      config: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return printHelp();
  const config = readConfig(readEnvironment(), values.config);
  const names = config.targets.map(({ target }) => target.name);
  const command = parseCommand(positionals.join(' '), names);
  if (command.kind === 'help') return printHelp(command.problem);
  const runbook = createRunbook(createPatients(config, systemClock), systemClock);
  try {
    if (!values.watch) return await answer(runbook, command, values.json);
    return await watch(runbook, command, values.json);
  } finally {
    await runbook.close();
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
  const words = [...lookingWords, 'help' as const];
  const lines = [
    ...(problem === undefined ? [] : [problem, '']),
    'Usage: dbconn [word] [target] [--json] [--watch] [--config FILE]',
    '',
    ...words.map((word) => `  ${word.padEnd(9)} ${descriptions[word]}`),
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
  const expected = error instanceof ConfigError || error instanceof TypeError;
  console.error(expected ? error.message : error);
  process.exitCode = exitCodes.unknown;
}
