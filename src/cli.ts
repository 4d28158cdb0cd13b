import { parseArgs, styleText } from 'node:util';
import { ConfigError, readEnvironment } from './config/environment.ts';
import { JournalUnavailable } from './runbook/approvals/journal.ts';
import { options } from './terminal/arguments.ts';
import type { Flags } from './terminal/arguments.ts';
import { exitCodes, print } from './terminal/output.ts';
import type { Paint } from './terminal/render/layout.ts';

// styleText heeds NO_COLOR and leaves text alone where standard output is no terminal.
const paint: Paint = (tone, text) => styleText(tone, text, { stream: process.stdout });

/** `dbconn` in a terminal. What a word does not need is not loaded: help takes hardly longer than Node itself. */
async function main(): Promise<number> {
  const { values, positionals } = parseArgs({ allowPositionals: true, options });
  const [word] = positionals;
  if (values.help || word === 'help') {
    const { renderHelp } = await import('./terminal/render/help.ts');
    console.log(renderHelp());
    return exitCodes.fine;
  }
  if (word === 'completion') {
    const { renderCompletion } = await import('./terminal/render/help.ts');
    return print(renderCompletion(positionals[1]));
  }
  if (word === 'replay') return replay(positionals[1], values);
  const { runCommand } = await import('./terminal/commands/run-command.ts');
  return runCommand(positionals, values, paint);
}

/** Needs neither a configuration nor a database. */
async function replay(file: string | undefined, { config, head, json }: Flags): Promise<number> {
  const { readPolicyOfToday, runReplayCommand } =
    await import('./terminal/commands/replay-command.ts');
  const policy = await readPolicyOfToday(readEnvironment(), config);
  return print(await runReplayCommand({ file, head, json, paint, policy }));
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
