import { parseArgs, styleText } from 'node:util';
import { ConfigError, readEnvironment } from './config/environment.ts';
import { JournalUnavailable } from './runbook/approvals/journal.ts';
import { isHelp } from './runbook/commands/words.ts';
import { options, whyNotParsed } from './terminal/arguments.ts';
import type { Flags } from './terminal/arguments.ts';
import { allowProgress, exitCodes, print, refused, warn } from './terminal/output.ts';
import type { CommandResult } from './terminal/output.ts';
import type { Paint } from './terminal/render/layout.ts';

// styleText heeds NO_COLOR and leaves text alone where standard output is no terminal.
const paint: Paint = (tone, text) => styleText(tone, text, { stream: process.stdout });

/** `dbconn` in a terminal. What a word does not need is not loaded: help takes hardly longer than Node itself. */
async function main(): Promise<number> {
  const { values, positionals } = parseArgs({ allowPositionals: true, options });
  const [word, operand] = positionals;
  if (values.version) return print({ text: `dbconn ${await readVersion()}`, code: exitCodes.fine });
  const isAbout = positionals.length === 2 && isHelp(operand ?? '');
  if (values.help || isAbout) return print(await explain(word));
  if (word === 'help') return print(await explain(operand));
  if (word === 'completion') {
    const { renderCompletion, renderNext } = await import('./terminal/render/completion.ts');
    const isNext = operand === 'next';
    return print(
      isNext
        ? await renderNext(positionals.slice(2), () => targetsOf(values))
        : renderCompletion(operand),
    );
  }
  const problem = word === undefined ? undefined : await whyUnknown(word);
  if (problem !== undefined) return print(problem);
  if (word === 'mcp') {
    const { runMcpCommand } = await import('./terminal/commands/mcp-command.ts');
    return runMcpCommand(positionals.slice(1), values.config, await readVersion());
  }
  const { toScreen, useScreen } = await import('./terminal/render/layout.ts');
  const screen = toScreen(process.stdout.columns, readEnvironment());
  // What a file or a program reads stays as it is written, whatever the terminal can show.
  const isExact = values.json || word === 'journal' || word === 'report' || word === 'config';
  useScreen({ ...screen, isAscii: screen.isAscii && !isExact });
  if (process.stderr.isTTY && readEnvironment()['TERM'] !== 'dumb') allowProgress();
  if (word === 'replay') return replay(operand, values);
  if (word === 'config') {
    const { runConfigCommand } = await import('./terminal/commands/config-command.ts');
    return print(await runConfigCommand(positionals.slice(1), values.config));
  }
  const { runCommand } = await import('./terminal/commands/run-command.ts');
  return runCommand(positionals, values, paint);
}

async function readVersion(): Promise<string> {
  const { default: manifest } = await import('../package.json', { with: { type: 'json' } });
  return manifest.version;
}

/** `help`, `help WORD`, `WORD help` and `WORD --help`. */
async function explain(typed: string | undefined): Promise<CommandResult> {
  const { renderGuide, renderHelp, wordOf } = await import('./terminal/render/help.ts');
  if (typed === undefined) return { text: renderHelp(), code: exitCodes.fine };
  const word = wordOf(typed);
  if (word !== undefined) return { text: renderGuide(word), code: exitCodes.fine };
  return (await whyUnknown(typed)) ?? refused('Unknown word. See dbconn help.');
}

/** A typo needs no configuration to be told. Undefined for a word, and for what is like none: that may be a target. */
async function whyUnknown(typed: string): Promise<CommandResult | undefined> {
  const { terminalGuides, wordOf } = await import('./terminal/render/help.ts');
  if (wordOf(typed) !== undefined) return undefined;
  const { nearest } = await import('./runbook/commands/unknown-word.ts');
  const near = nearest(typed.toLowerCase(), Object.keys(terminalGuides));
  return near === undefined
    ? undefined
    : refused(`Unknown word${shownWord(typed)}. Did you mean ${near}? See dbconn help.`);
}

/** What was typed, unless it could do something to the terminal. */
function shownWord(typed: string): string {
  return /^[\w-]+$/.test(typed) ? ` ${typed}` : '';
}

async function targetsOf({ config }: Flags): Promise<readonly string[]> {
  const { readConfig } = await import('./config/config.ts');
  return readConfig(readEnvironment(), config).targets.map(({ target }) => target.name);
}

/** Needs neither a configuration nor a database. */
async function replay(file: string | undefined, { config, head, json }: Flags): Promise<number> {
  const { readPolicyOfToday, runReplayCommand } =
    await import('./terminal/commands/replay-command.ts');
  const policy = await readPolicyOfToday(readEnvironment(), config);
  return print(await runReplayCommand({ file, head, json, paint, policy }));
}

/** The line for what somebody can put right; undefined for a fault of dbconn, which is shown whole. */
async function toLine(error: unknown): Promise<string | undefined> {
  if (error instanceof ConfigError) {
    const [only = '', ...more] = error.problems;
    return more.length === 0 ? only : error.message;
  }
  return error instanceof JournalUnavailable ? error.message : whyNotParsed(error);
}

try {
  process.exitCode = await main();
} catch (error) {
  const line = await toLine(error);
  if (line === undefined) console.error(error);
  else warn(line);
  process.exitCode = exitCodes.unknown;
}
