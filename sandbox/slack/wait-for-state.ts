import { readWorkspace } from './state-view.ts';
import type { WorkspaceView } from './state-view.ts';
import type { Workspace } from './workspace.ts';

/** The last few things people saw: what a failed wait was waiting among. */
function describe({ channels, ephemerals, modals }: WorkspaceView): string {
  const lines = [
    ...channels.flatMap(({ name, messages }) =>
      messages.slice(-3).map(({ text }) => `#${name}: ${text.slice(0, 100)}`),
    ),
    ...ephemerals
      .slice(-3)
      .map(({ user, message }) => `only ${user}: ${message.text.slice(0, 100)}`),
    ...[...modals.keys()].map((user) => `${user} has a modal open`),
  ];
  return lines.length === 0 ? 'there is nothing to see' : lines.join('\n  ');
}

/**
 * Resolves with the first defined value `read` finds in the workspace, now or after a change.
 * Rejects after `timeoutMs` with what was there instead, and when `read` throws.
 */
export async function waitForState<T>(
  workspace: Workspace,
  read: (state: WorkspaceView) => T | undefined,
  timeoutMs: number,
): Promise<T> {
  const present = read(readWorkspace(workspace));
  if (present !== undefined) return present;
  return new Promise((resolve, reject) => {
    const finish = (settle: () => void): void => {
      clearTimeout(timer);
      stop();
      settle();
    };
    const timer = setTimeout(() => {
      const seen = describe(readWorkspace(workspace));
      finish(() => {
        reject(new Error(`not seen in this Slack within ${timeoutMs} ms. There is:\n  ${seen}`));
      });
    }, timeoutMs);
    const stop = workspace.onChange(() => {
      try {
        const found = read(readWorkspace(workspace));
        if (found !== undefined) {
          finish(() => {
            resolve(found);
          });
        }
      } catch (error) {
        finish(() => {
          reject(error instanceof Error ? error : new Error(String(error)));
        });
      }
    });
  });
}
