import { userInfo } from 'node:os';
import { createApp } from '../../app.ts';

import { readConfig } from '../../config/config.ts';
import { readEnvironment } from '../../config/environment.ts';
import type { Actor } from '../../runbook/approvals/request.ts';
import { parseCommand } from '../../runbook/commands/parse-command.ts';
import type { Command } from '../../runbook/commands/parse-command.ts';
import { isoNow, systemClock } from '../../timing.ts';
import type { Flags } from '../arguments.ts';
import { parseOwnCommand } from '../arguments.ts';
import { exitCodes, print, refused, say, warn } from '../output.ts';
import type { CommandResult } from '../output.ts';
import { wrap } from '../render/layout.ts';
import type { Paint } from '../render/layout.ts';
import type { Change } from './change-command.ts';
import type { App } from '../../app/deps.ts';

/**
 * Runs a word that needs the configuration, and loads what that word needs and no more: people look at a full server
 * in a hurry. Returns the exit status. Throws ConfigError and JournalUnavailable.
 */
export async function runCommand(
  positionals: readonly string[],
  flags: Flags,
  paint: Paint,
): Promise<number> {
  const config = readConfig(readEnvironment(), flags.config);
  const app = createApp(config, { clock: systemClock, warn });
  try {
    return await runWord({ app, flags, paint }, positionals);
  } finally {
    await app.close();
  }
}

async function runWord(context: CommandContext, positionals: readonly string[]): Promise<number> {
  const { app, flags } = context;
  const [word, operand] = positionals;
  if (word === 'journal') {
    const { runJournalCommand } = await import('./journal-command.ts');
    const { format, head, heads } = flags;
    const asked = { words: positionals.slice(1), format, head, heads };
    return print(await runJournalCommand(app, asked));
  }
  if (word === 'bundle') {
    const { runBundleCommand } = await import('./bundle-command.ts');
    const asked = { id: operand, out: flags.out, actor: actor(), at: isoNow(systemClock) };
    return print(await runBundleCommand(app, asked));
  }
  const { 'break-glass': breakGlass, reason } = flags;
  const own = parseOwnCommand(positionals, { breakGlass, reason });
  if (own !== undefined) return runChange(context, own, false);
  const names = app.config.targets.map(({ target }) => target.name);
  return obey(context, parseCommand(toWords(positionals, flags.over).join(' '), names));
}

interface CommandContext {
  readonly app: App;
  readonly flags: Flags;
  readonly paint: Paint;
}

/** Does what the words say that the terminal shares with Slack. */
async function obey(context: CommandContext, command: Command): Promise<number> {
  const { app, flags, paint } = context;
  const { json } = flags;
  if (command.kind === 'help') return print(explain(command));
  if (command.kind === 'look') {
    const { runCheckCommand } = await import('./check-command.ts');
    return runCheckCommand({ app, json, paint }, command, flags.watch);
  }
  if (command.kind === 'record' && command.word === 'prevention') {
    const { runPreventionCommand } = await import('./check-command.ts');
    return print(await runPreventionCommand({ app, json, paint }, command.target));
  }
  const parts = { app, actor: actor(), json, paint };
  if (command.kind === 'escalate') {
    const { callForHelp } = await import('./record-command.ts');
    const called = await callForHelp(parts, command);
    if (called !== undefined) return print(called);
  }
  if (command.kind === 'incident' || command.kind === 'record') {
    const { runRecordCommand } = await import('./record-command.ts');
    return print(await runRecordCommand(parts, command));
  }
  const isPreview = command.kind === 'propose' && command.isPreview;
  return runChange(context, command, flags['dry-run'] || isPreview);
}

/** What is asked for by name is explained before a configuration is read, so here something is wrong. */
function explain({ problem = '', about }: Extract<Command, { kind: 'help' }>): CommandResult {
  return refused(wrap(`${problem} See dbconn help${about === undefined ? '' : ` ${about}`}.`));
}

async function runChange(
  { app, paint }: CommandContext,
  asked: Change,
  dryRun: boolean,
): Promise<number> {
  const { runChangeCommand } = await import('./change-command.ts');
  const { text, code } = await runChangeCommand({ app, actor: actor(), paint, dryRun }, asked);
  (code === exitCodes.fine ? say : warn)(text);
  return code;
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

/** Who types: nobody proves it here, and so it has no vote. */
function actor(): Actor {
  return { id: userInfo().username, via: 'terminal' };
}
