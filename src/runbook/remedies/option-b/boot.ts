import type { HostState, ServerHost } from '../../ports/server-host.ts';
import { PrivilegedUnavailable } from '../acting-unavailable.ts';
import { readBootFailure } from './boot-failure.ts';
import type { OptionBPorts } from './ports.ts';
import type { RunControl } from '../remedy.ts';
import { durationOfMs } from '../../snapshot/wording.ts';

const pollMs = 500;
const tellEveryMs = 5000;
/** What Docker starts again by itself ends for good only after some tries; a log may come late. */
const downForMs = 3000;
const mostRestarts = 3;

/** How a start ended. */
export type BootEnd =
  | { readonly kind: 'up'; readonly maxConnections: number | null }
  | {
      readonly kind: 'exited';
      /** What its configuration or its memory had against it; null when it ended for another reason. */
      readonly failure: string | null;
      readonly exitCode: number | null;
      /** The last of its log. Untrusted text. */
      readonly lines: readonly string[];
    }
  /** The process lives, and nothing answers where the acting role logs in. */
  | { readonly kind: 'silent' };

/**
 * Waits until PostgreSQL accepts connections or has ended. As long as its process lives and says that it is
 * starting or recovering there is no limit: killing a recovery only makes it start over.
 */
export async function awaitBoot(
  ports: OptionBPorts,
  host: ServerHost,
  control: RunControl,
): Promise<BootEnd> {
  const { clock, settings, silentForMs } = ports;
  const began = clock.now();
  let reportedAt = began;
  let toldAt = began;
  let upAt = began;
  for (;;) {
    const acceptance = await settings.readAcceptance();
    if (acceptance.state === 'accepting') {
      return { kind: 'up', maxConnections: acceptance.maxConnections };
    }
    const now = clock.now();
    if (acceptance.state !== 'silent') reportedAt = now;
    const state = await readState(host);
    if (state?.running !== false) upAt = now;
    const exited = state === undefined ? undefined : await readExit(host, state, now - upAt);
    if (exited !== undefined) return exited;
    if (now - reportedAt >= silentForMs) return { kind: 'silent' };
    if (now - toldAt >= tellEveryMs) {
      toldAt = now;
      const what =
        acceptance.state === 'silent' ? 'does not answer yet' : 'is starting or recovering';
      control.progress(`PostgreSQL ${what}, ${durationOfMs(now - began)} by now`);
    }
    await clock.sleep(pollMs);
  }
}

/** An engine that does not answer for a moment says nothing of the server in it. */
async function readState(host: ServerHost): Promise<HostState | undefined> {
  try {
    return await host.readState();
  } catch (error) {
    if (error instanceof PrivilegedUnavailable) return undefined;
    throw error;
  }
}

async function readExit(
  host: ServerHost,
  state: HostState,
  downMs: number,
): Promise<BootEnd | undefined> {
  const { running, restarts, oomKilled, exitCode } = state;
  if (running && restarts === 0) return undefined;
  const lines = await host.readLog();
  const failure = oomKilled ? 'it was killed for lack of memory' : readBootFailure(lines);
  const isOver = failure !== null || downMs >= downForMs || restarts >= mostRestarts;
  return isOver ? { kind: 'exited', failure, exitCode, lines: lines.slice(-11) } : undefined;
}
