import type { WorkspaceView } from './workspace-view.ts';

/** How something a person did ended. */
export interface ActResult {
  readonly acked: boolean;
  readonly error?: string;
  /** block_id -> what is wrong with the field. */
  readonly errors?: Readonly<Record<string, string>>;
}

export type Act = 'command' | 'action' | 'view-submit' | 'view-close' | 'home';

/** Reads the workspace through this person's eyes; rejects when there is no such person. */
export async function readWorkspace(user: string): Promise<WorkspaceView> {
  const response = await fetch(`/_sandbox/state?user=${encodeURIComponent(user)}`);
  const body: unknown = await response.json();
  if (!isWorkspaceView(body)) throw new Error(`The local Slack knows no person ${user}.`);
  return body;
}

/** Does something as a person. Never rejects: not reaching the server is a result too. */
export async function act(what: Act, body: object): Promise<ActResult> {
  try {
    const response = await fetch(`/_sandbox/${what}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    const answer: unknown = await response.json();
    if (isActResult(answer)) return answer;
    return { acked: false, error: `the local Slack refused this (HTTP ${response.status})` };
  } catch {
    return { acked: false, error: 'the local Slack does not answer; is the demo still running?' };
  }
}

/** The page and its server are of one checkout, so that a look at the outermost fields will do. */
function isWorkspaceView(body: unknown): body is WorkspaceView {
  return isObject(body) && 'me' in body && 'channels' in body && 'people' in body;
}

function isActResult(body: unknown): body is ActResult {
  return isObject(body) && 'acked' in body && typeof body.acked === 'boolean';
}

function isObject(body: unknown): body is object {
  return typeof body === 'object' && body !== null;
}
