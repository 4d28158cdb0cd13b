import type { HomeView } from '@slack/types';
import type { Clock } from '../../runbook/snapshot/ports.ts';

/** One person's Home tab. Its methods never reject. */
export interface Tab {
  readonly openedAtMs: number;
  /** Its person opened it: it is sent, even if it is as it was, because Slack may have lost it. */
  open(): Promise<void>;
  /** Sends it if it has changed. */
  renew(): Promise<void>;
  /** Settles when nothing is under way. */
  settled(): Promise<void>;
}

interface TabParts {
  readonly draw: () => Promise<HomeView>;
  readonly send: (view: HomeView) => Promise<void>;
  readonly onFault: (error: unknown) => void;
  readonly clock: Pick<Clock, 'now'>;
}

/** Going to and fro between two tabs tells dbconn every time; what was sent just now Slack still has. */
const keptForMs = 2000;

/** Draws and sends one after the other: an older tab must not replace a newer one. */
export function createTab({ clock, draw, onFault, send }: TabParts): Tab {
  let openedAtMs = clock.now();
  let shown: { readonly text: string; readonly atMs: number } | undefined;
  let turn = Promise.resolve();
  let isWaiting = false;

  async function show(): Promise<void> {
    isWaiting = false;
    try {
      const view = await draw();
      const text = JSON.stringify(view);
      const isKept = shown !== undefined && openedAtMs - shown.atMs <= keptForMs;
      if (isKept && text === shown?.text) return;
      const atMs = clock.now();
      await send(view);
      shown = { text, atMs };
    } catch (error) {
      onFault(error);
    }
  }

  // Whoever asks before its turn has come is answered by the same one.
  function queue(): Promise<void> {
    if (!isWaiting) turn = turn.then(show);
    isWaiting = true;
    return turn;
  }

  return {
    get openedAtMs() {
      return openedAtMs;
    },
    open() {
      openedAtMs = clock.now();
      return queue();
    },
    renew: queue,
    settled: () => turn,
  };
}
