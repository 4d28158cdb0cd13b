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
  const over = new AbortController();
  const quit = Promise.withResolvers<void>();

  function lines(): string[] {
    const waitedMs = checkingSinceMs === null ? null : performance.now() - checkingSinceMs;
    const waiting = waitedMs === null ? null : Math.floor(waitedMs / 1000);
    return drawWatch(view, { diagnosis, waiting, targets }, { rows: process.stdout.rows, paint });
  }

  function onKey(key: Key): void {
    const next = press(view, key, targets);
    if (next === 'quit') return quit.resolve();
    if (next === 'check') return wake.abort();
    if (next.target !== view.target) diagnosis = undefined;
    if (next.target !== view.target || view.isPaused !== next.isPaused) wake.abort();
    view = next;
  }

  async function checkOnce(): Promise<void> {
    const { target } = view;
    checkingSinceMs = performance.now();
    const found = await check(target);
    checkingSinceMs = null;
    // Somebody went on to another target meanwhile.
    if (target === view.target) diagnosis = found;
  }

  async function keepChecking(): Promise<void> {
    for (let isAsked = true; !over.signal.aborted; isAsked = wake.signal.aborted) {
      wake = new AbortController();
      if (isAsked || !view.isPaused) await checkOnce();
      screen.draw();
      // A key ends the pause.
      await systemClock.sleep(watchEveryMs, wake.signal).catch(() => undefined);
    }
  }

  const screen = new AlternateScreen({ lines, onKey });
  try {
    await Promise.race([keepChecking(), quit.promise]);
    return diagnosis;
  } finally {
    over.abort();
    wake.abort();
    screen.close();
  }
}

const escape = '\u001B[';
/** The other screen, no cursor, and no line that goes on in the next one. */
const enter = `${escape}?1049h${escape}?25l${escape}?7l`;
const leave = `${escape}?7h${escape}?25h${escape}?1049l`;

interface ScreenParts {
  readonly lines: () => string[];
  readonly onKey: (key: Key) => void;
}

/** Takes the terminal, and gives it back however this ends: by `close`, by a signal, or by a fault. */
class AlternateScreen {
  readonly #parts: ScreenParts;
  readonly #ticking: NodeJS.Timeout;
  #isOpen = false;

  constructor(parts: ScreenParts) {
    this.#parts = parts;
    emitKeypressEvents(process.stdin);
    process.stdin.on('keypress', this.#hear);
    process.stdout.on('resize', this.#resize);
    process.on('SIGINT', this.#interrupt).on('SIGTERM', this.#die).on('SIGHUP', this.#die);
    process.on('exit', this.close).on('uncaughtExceptionMonitor', this.close);
    // While a check takes long, its seconds are counted.
    this.#ticking = setInterval(() => this.draw(), 1000);
    this.#take();
  }

  draw(): void {
    if (!this.#isOpen) return;
    const text = this.#parts.lines().map((line) => `${line}${escape}K`);
    // Drawn over what is there, between the marks of one update: nothing flickers.
    const update = `${escape}H${text.join('\r\n')}${escape}J`;
    process.stdout.write(`${escape}?2026h${update}${escape}?2026l`);
  }

  /** Leaves the terminal as it was. */
  readonly close = (): void => {
    this.#release();
    clearInterval(this.#ticking);
    process.stdin.off('keypress', this.#hear);
    process.stdout.off('resize', this.#resize);
    process.off('SIGCONT', this.#take);
    process.off('SIGINT', this.#interrupt).off('SIGTERM', this.#die).off('SIGHUP', this.#die);
    process.off('exit', this.close).off('uncaughtExceptionMonitor', this.close);
  };

  readonly #resize = (): void => {
    useScreen(toScreen(process.stdout.columns, readEnvironment()));
    this.draw();
  };

  readonly #take = (): void => {
    this.#isOpen = true;
    process.stdin.setRawMode(true);
    process.stdin.resume();
    process.stdout.write(enter);
    this.#resize();
  };

  #release(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    process.stdout.write(leave);
    process.stdin.setRawMode(false);
    process.stdin.pause();
  }

  readonly #hear = (_text: string | undefined, key: Key): void => {
    if (key.ctrl === true && key.name === 'z') {
      this.#release();
      process.once('SIGCONT', this.#take);
      process.kill(process.pid, 'SIGTSTP');
      return;
    }
    this.#parts.onKey(key);
    this.draw();
  };

  readonly #interrupt = (): void => this.#hear(undefined, { name: 'q' });

  /** The signal ends the process as it would have without this. */
  readonly #die = (signal: NodeJS.Signals): void => {
    this.close();
    process.kill(process.pid, signal);
  };
}
