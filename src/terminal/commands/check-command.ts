import { createTargetAdapters } from '../../app/target-adapters.ts';
import type { Config } from '../../config/config.ts';
import type { Command } from '../../runbook/commands/parse-command.ts';
import type { ReadOnlyWord } from '../../runbook/commands/words.ts';
import type { Diagnosis } from '../../runbook/diagnose/diagnosis.ts';
import { createRunbook } from '../../runbook/loop/target-monitor.ts';
import type { TargetAdapters, Runbook } from '../../runbook/loop/target-monitor.ts';
import { systemClock } from '../../timing.ts';
import { exitCodeOf, exitCodeOfChecks, exitCodeOfPrevention, exitCodes } from '../output.ts';
import type { CommandResult } from '../output.ts';
import { renderChecks, renderDiagnosis } from '../render/diagnosis.ts';
import type { Paint } from '../render/layout.ts';

/** Pauses between two looks of --watch; a look every two seconds costs the server nothing it would notice. */
const watchEveryMs = 2000;
const clearScreen = '\u001B[2J\u001B[H';

type CheckCommand = Extract<Command, { kind: 'look' }>;

export interface CheckCommandParts {
  readonly config: Config;
  readonly json: boolean;
  readonly paint: Paint;
}

/** Answers a word that only looks, once or until it is interrupted. Returns the exit status of the last answer. */
export async function runCheckCommand(
  parts: CheckCommandParts,
  look: CheckCommand,
  keepWatching: boolean,
): Promise<number> {
  const targetAdapters = await createTargetAdapters(parts.config, systemClock);
  const runbook = createRunbook(targetAdapters, systemClock);
  const { word, target } = look;
  const show = (): Promise<number> =>
    word === 'doctor'
      ? runCheck({ ...parts, targetAdapters, runbook }, target)
      : answer({ ...parts, runbook }, { word, target });
  try {
    return await (keepWatching ? watch(parts.json, show) : show());
  } finally {
    await runbook.close();
  }
}

/** `prevention`: of the record's words only this one takes a look. */
export async function runPreventionCommand(
  { config, json, paint }: CheckCommandParts,
  target: string | null,
): Promise<CommandResult> {
  const runbook = createRunbook(await createTargetAdapters(config, systemClock), systemClock);
  try {
    const { renderPrevention } = await import('../render/prevention.ts');
    const prevention = await runbook.prevention(target ?? runbook.targets[0]?.name ?? '');
    const text = json ? JSON.stringify(prevention, null, 2) : renderPrevention(prevention, paint);
    return { text, code: exitCodeOfPrevention(prevention) };
  } finally {
    await runbook.close();
  }
}

type CheckContext = CheckCommandParts & { readonly runbook: Runbook };

interface Shown {
  readonly word: Exclude<ReadOnlyWord, 'doctor'>;
  readonly target: string;
}

async function answer(
  { runbook, json, paint }: CheckContext,
  { word, target }: Shown,
): Promise<number> {
  const diagnosis = await runbook.diagnose(target);
  console.log(await render(diagnosis, { word, json, paint }));
  return exitCodeOf(diagnosis);
}

async function render(
  diagnosis: Diagnosis,
  { word, json, paint }: Pick<Shown, 'word'> & Pick<CheckContext, 'json' | 'paint'>,
): Promise<string> {
  if (!json) return renderDiagnosis(diagnosis, word, paint);
  const { renderJson } = await import('../render/json.ts');
  return renderJson(diagnosis);
}

async function runCheck(
  {
    runbook,
    config,
    json,
    paint,
    targetAdapters,
  }: CheckContext & { readonly targetAdapters: readonly TargetAdapters[] },
  target: string,
): Promise<number> {
  const { checkRules } = await import('../../app/doctor-checks.ts');
  const checks = [...(await runbook.doctor(target)), ...checkRules(config, targetAdapters, target)];
  console.log(json ? JSON.stringify(checks, null, 2) : renderChecks(target, checks, paint));
  return exitCodeOfChecks(checks);
}

async function watch(json: boolean, show: () => Promise<number>): Promise<number> {
  const interrupted = new AbortController();
  process.once('SIGINT', () => interrupted.abort());
  let code: number = exitCodes.unknown;
  while (!interrupted.signal.aborted) {
    if (process.stdout.isTTY && !json) process.stdout.write(clearScreen);
    code = await show();
    // The interrupt ends the pause, and with it the watch.
    await systemClock.sleep(watchEveryMs, interrupted.signal).catch(() => undefined);
  }
  return code;
}
