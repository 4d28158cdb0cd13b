import { userInfo } from 'node:os';
import { parseArgs, styleText } from 'node:util';
import { createCallsCheck } from './check-calls.ts';
import { systemClock } from './clock.ts';
import { runBundleCommand } from './bundle-command.ts';
import { ConfigError, readConfig, readEnvironment } from './config.ts';
import type { Config } from './config.ts';
import { createLog } from './log.ts';
import { noJournal } from './journal/no-journal.ts';
import { openDoor } from './open-door.ts';
import { runJournalCommand } from './journal-command.ts';
import { openJournal } from './open-journal.ts';
import { openPagers } from './open-pagers.ts';
import { createPatients } from './patients.ts';
import { callForHelp, runRecordCommand } from './record-command.ts';
import type { RecordParts } from './record-command.ts';
import { readPolicyOfToday, runReplayCommand } from './replay-command.ts';
import { isoNow } from './runbook/approval/iso-now.ts';
import { JournalUnavailable } from './runbook/approval/journal-unavailable.ts';
import { parseCommand } from './runbook/commands.ts';
import type { Command } from './runbook/commands.ts';
import type { RecordCommand } from './runbook/commands/parse-record.ts';
import type { Door } from './runbook/approval/door.ts';
import type { Actor } from './runbook/approval/request.ts';
import { createRunbook } from './runbook/runbook.ts';
import type { Patient, Runbook } from './runbook/runbook.ts';
import { change } from './terminal/change.ts';
import type { Change } from './terminal/change.ts';
import {
  exitCodeOf,
  exitCodeOfChecks,
  exitCodeOfPrevention,
  exitCodes,
} from './terminal/exit-codes.ts';
import { renderJson } from './terminal/json.ts';
import type { Paint } from './terminal/layout.ts';
import { parseOwnCommand } from './terminal/own-command.ts';
import { renderChecks, renderDiagnosis } from './terminal/render.ts';
import { renderHelp } from './terminal/render-help.ts';
import { renderPrevention } from './terminal/render-prevention.ts';
import { renderNews } from './terminal/render-requests.ts';
import type { Said } from './with-journal.ts';

/** Pauses between two looks of --watch; a look every two seconds costs the server nothing it would notice. */
const watchEveryMs = 2000;
const clearScreen = '\u001B[2J\u001B[H';

// styleText heeds NO_COLOR and leaves text alone where standard output is no terminal.
const paint: Paint = (tone, text) => styleText(tone, text, { stream: process.stdout });

const options = {
  json: { type: 'boolean', default: false },
  watch: { type: 'boolean', default: false },
  'dry-run': { type: 'boolean', default: false },
  'break-glass': { type: 'boolean', default: false },
  reason: { type: 'string' },
  over: { type: 'string' },
  config: { type: 'string' },
  format: { type: 'string', default: 'md' },
  out: { type: 'string' },
  head: { type: 'string' },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

type Flags = ReturnType<typeof parseArgs<{ options: typeof options }>>['values'];

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({ allowPositionals: true, options });
  if (values.help || positionals[0] === 'help') return printHelp();
  const [word, operand] = positionals;
  if (word === 'replay') {
    const policy = readPolicyOfToday(readEnvironment(), values.config);
    const { head, json } = values;
    return print(await runReplayCommand({ file: operand, head, json, paint, policy }));
  }
  const config = readConfig(readEnvironment(), values.config);
  const names = config.targets.map(({ target }) => target.name);
  if (word === 'journal') {
    const asked = { words: positionals.slice(1), format: values.format };
    return print(await runJournalCommand(config, asked, console.warn));
  }
  if (word === 'bundle') {
    const asked = { id: operand, out: values.out, actor: actor(), at: isoNow(systemClock) };
    return print(await runBundleCommand(config, asked, console.warn));
  }
  const { reason } = values;
  const own = parseOwnCommand(positionals, { breakGlass: values['break-glass'], reason });
  if (own !== undefined) return runChange(config, own, false);
  const words = toWords(positionals, values.over);
  const command = parseCommand(words.join(' '), names);
  return command.kind === 'help' ? printHelp(command.problem) : obey(config, command, values);
}

/** Does what the words say that the terminal shares with Slack. */
async function obey(
  config: Config,
  command: Exclude<Command, { kind: 'help' }>,
  values: Flags,
): Promise<number> {
  const parts = { config, actor: actor(), json: values.json, paint, warn: console.warn };
  if (command.kind === 'escalate') {
    const called = await callForHelp(parts, command);
    if (called !== undefined) return print(called);
  }
  if (command.kind === 'incident' || command.kind === 'record') {
    return command.word === 'prevention'
      ? advise(parts, command)
      : print(await runRecordCommand(parts, command));
  }
  if (command.kind !== 'look') {
    const isPreview = command.kind === 'propose' && command.isPreview;
    return runChange(config, command, values['dry-run'] || isPreview);
  }
  const patients = await createPatients(config, systemClock);
  const runbook = createRunbook(patients, systemClock);
  const door = lookingDoor(config, patients);
  const look = { runbook, door, json: values.json, checkCalls: terminalCallsCheck(config) };
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
    const targets = patients.map(({ target }) => target);
    const said = await change({ door, actor: actor(), targets, dryRun, paint }, asked);
    (said.code === exitCodes.fine ? console.log : console.error)(said.text);
    return said.code;
  } finally {
    await Promise.all(patients.map(({ database }) => database.close()));
    await journal?.close();
  }
}

/** Who types: nobody proves it here, and so it has no vote. */
function actor(): Actor {
  return { id: userInfo().username, via: 'terminal' };
}

/** What could not be answered goes to standard error, so that a pipe gets nothing else than an answer. */
function print({ text, code }: Said): number {
  (code === exitCodes.unknown ? console.error : console.log)(text);
  return code;
}

type Look = Extract<Command, { kind: 'look' }>;

interface Looking {
  readonly runbook: Runbook;
  readonly door: Door;
  readonly json: boolean;
  readonly checkCalls: ReturnType<typeof createCallsCheck>;
}

/** Only asked for its pagers' names: nobody is paged from here. */
function terminalCallsCheck(config: Config): Looking['checkCalls'] {
  const log = createLog('silent');
  const wire = { clock: systemClock, log, signal: new AbortController().signal };
  return createCallsCheck(config, openPagers(config, wire));
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

async function answer(look: Looking, { word, target }: Look): Promise<number> {
  const { runbook, door, json, checkCalls } = look;
  if (word === 'doctor') {
    const seen = await runbook.doctor(target);
    const checks = [...seen, ...door.check(target), ...checkCalls(target)];
    console.log(json ? JSON.stringify(checks, null, 2) : renderChecks(target, checks, paint));
    return exitCodeOfChecks(checks);
  }
  const diagnosis = await runbook.diagnose(target);
  console.log(json ? renderJson(diagnosis) : renderDiagnosis(diagnosis, word, paint));
  return exitCodeOf(diagnosis);
}

/** Of the record's words only this one takes a look. */
async function advise(
  { config, json }: RecordParts,
  { target }: Pick<RecordCommand, 'target'>,
): Promise<number> {
  const runbook = createRunbook(await createPatients(config, systemClock), systemClock);
  try {
    const prevention = await runbook.prevention(target ?? runbook.targets[0]?.name ?? '');
    console.log(json ? JSON.stringify(prevention, null, 2) : renderPrevention(prevention, paint));
    return exitCodeOfPrevention(prevention);
  } finally {
    await runbook.close();
  }
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
  (problem === undefined ? console.log : console.error)(renderHelp(problem));
  return problem === undefined ? exitCodes.fine : exitCodes.unknown;
}

try {
  process.exitCode = await main();
} catch (error) {
  const expected =
    error instanceof ConfigError ||
    error instanceof JournalUnavailable ||
    // What parseArgs says of words it does not know; any other TypeError is a fault, and shown whole.
    (error instanceof TypeError && 'code' in error);
  console.error(expected ? error.message : error);
  process.exitCode = exitCodes.unknown;
}
