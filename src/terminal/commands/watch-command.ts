import { emitKeypressEvents } from 'node:readline';
import { readEnvironment } from '../../config/environment.ts';
import type { Diagnosis } from '../../runbook/diagnose/diagnosis.ts';
import { systemClock } from '../../timing.ts';
import { toScreen, useScreen } from '../render/layout.ts';
import type { Paint } from '../render/layout.ts';
import { drawWatch, press } from '../render/watch.ts';
import type { Key, View, WatchWord } from '../render/watch.ts';

/** A check every two seconds costs the server nothing it would notice. */
export const watchEveryMs = 2000;

interface WatchParts {
  /** Checks a target, and names it as it is to be shown. */
  readonly check: (target: string) => Promise<Diagnosis>;
  readonly targets: readonly string[];
  readonly paint: Paint;
}

/** Whether there is a terminal on both sides whose cursor moves: without one `--watch` prints answer after answer. */
export function hasScreen(): boolean {
  return process.stdout.isTTY && process.stdin.isTTY && readEnvironment()['TERM'] !== 'dumb';
}

/** `--watch` on a screen of its own until somebody quits it. Returns the last diagnosis, undefined where none was made. */
export async function watchScreen(
  { check, targets, paint }: WatchParts,
  start: { readonly word: WatchWord; readonly target: string },
): Promise<Diagnosis | undefined> {
  let view: View = { ...start, order: 0, isPaused: false, isHelp: false, top: 0 };
  let diagnosis: Diagnosis | undefined;
  let checkingSinceMs: number | null = null;
  let wake = new AbortController();
  let isOver = false;
  const quit = Promise.withResolvers<void>();

  const screen = openScreen(
    () => {
      const waiting =
        checkingSinceMs === null ? null : Math.floor((performance.now() - checkingSinceMs) / 1000);
      return drawWatch(view, { diagnosis, waiting, targets }, { rows: process.stdout.rows, paint });
    },
    (key) => {
      const next = press(view, key, targets);
      if (next === 'quit') quit.resolve();
      else if (next === 'check') wake.abort();
      else {
        if (next.target !== view.target) diagnosis = undefined;
        if (next.target !== view.target || view.isPaused !== next.isPaused) wake.abort();
        view = next;
      }
    },
  );

  async function checkOnce(): Promise<void> {
    const { target } = view;
    checkingSinceMs = performance.now();
    try {
      const found = await check(target);
      // Somebody went on to another target meanwhile.
      if (target === view.target) diagnosis = found;
    } finally {
      checkingSinceMs = null;
    }
  }

  async function keepChecking(): Promise<void> {
    for (let isAsked = true; !isOver; isAsked = wake.signal.aborted) {
      wake = new AbortController();
      if (isAsked || !view.isPaused) await checkOnce();
      screen.draw();
      // A key ends the pause.
      await systemClock.sleep(watchEveryMs, wake.signal).catch(() => undefined);
    }
  }

  try {
    await Promise.race([keepChecking(), quit.promise]);
    return diagnosis;
  } finally {
    isOver = true;
    wake.abort();
    screen.close();
  }
}

const escape = '\u001B[';
/** The other screen, no cursor, and no line that goes on in the next one. */
const enter = `${escape}?1049h${escape}?25l${escape}?7l`;
const leave = `${escape}?7h${escape}?25h${escape}?1049l`;

interface OpenScreen {
  draw(): void;
  /** Leaves the terminal as it was. */
  close(): void;
}

/** Takes the terminal, and gives it back however this ends: by `close`, by a signal, or by a fault. */
function openScreen(lines: () => string[], onKey: (key: Key) => void): OpenScreen {
  const { stdin, stdout } = process;
  let isOpen = false;

  function draw(): void {
    if (!isOpen) return;
    const text = lines().map((line) => `${line}${escape}K`);
    // Drawn over what is there, between the marks of one update: nothing flickers.
    stdout.write(`${escape}?2026h${escape}H${text.join('\r\n')}${escape}J${escape}?2026l`);
  }

  function resize(): void {
    useScreen(toScreen(stdout.columns, readEnvironment()));
    draw();
  }

  function take(): void {
    isOpen = true;
    stdin.setRawMode(true);
    stdin.resume();
    stdout.write(enter);
    resize();
  }

  function release(): void {
    if (!isOpen) return;
    isOpen = false;
    stdout.write(leave);
    stdin.setRawMode(false);
    stdin.pause();
  }

  function suspend(): void {
    release();
    process.once('SIGCONT', take);
    process.kill(process.pid, 'SIGTSTP');
  }

  function hear(_text: string | undefined, key: Key): void {
    if (key.ctrl === true && key.name === 'z') return suspend();
    onKey(key);
    draw();
  }

  function interrupt(): void {
    hear(undefined, { name: 'q' });
  }

  /** The signal ends the process as it would have without this. */
  function die(signal: NodeJS.Signals): void {
    close();
    process.kill(process.pid, signal);
  }

  const ticking = setInterval(draw, 1000);

  function close(): void {
    release();
    clearInterval(ticking);
    stdin.off('keypress', hear);
    stdout.off('resize', resize);
    process.off('SIGCONT', take);
    process.off('SIGINT', interrupt).off('SIGTERM', die).off('SIGHUP', die);
    process.off('exit', close).off('uncaughtExceptionMonitor', close);
  }

  emitKeypressEvents(stdin);
  stdin.on('keypress', hear);
  stdout.on('resize', resize);
  process.on('SIGINT', interrupt).on('SIGTERM', die).on('SIGHUP', die);
  process.on('exit', close).on('uncaughtExceptionMonitor', close);
  take();
  return { draw, close };
}
