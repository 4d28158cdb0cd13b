import type { SlackCall } from '../../runbook/escalation/ports.ts';
import { isAboutMessage } from './writer.ts';

/** Whether Slack takes what dbconn says in its channel. */
export interface Refusals {
  record(call: SlackCall): void;
  /** What is refused and what to do, in our own words and Slack's code; null while Slack takes it. */
  problem(): string | null;
}

interface RefusalsOptions {
  /** The incident channel's id; without one only the token itself is judged. */
  readonly channel: string | undefined;
  /** Once, until Slack takes everything again. Must not throw. */
  readonly onRefused: (problem: string) => void;
  readonly onTaken: () => void;
}

/** Errors of every method (Slack documentation, "Errors" of any method): the app itself is let in no more. */
const ofToken =
  /^(?:account_inactive|token_(?:revoked|expired)|invalid_auth|not_authed|org_login_required|team_access_not_granted)$/;

/** The calls that show whether people can read what dbconn says: the last one is the first of every start. */
const messageMethods = new Set(['chat.postMessage', 'chat.update', 'auth.test']);

/** A token that was never right ends the start with its sentence; nobody is woken for a mistake of the installation. */
function isOfInstallation(method: string, refusal: string): boolean {
  return method === 'auth.test' && /^(?:invalid_auth|not_authed)$/.test(refusal);
}

export function createRefusals({ channel, onRefused, onTaken }: RefusalsOptions): Refusals {
  const refused = new Map<string, string>();
  const problem = (): string | null => {
    const [code] = refused.values();
    return code === undefined ? null : sentenceOf(code);
  };
  return {
    problem,
    record({ method, outcome, refusal = '', channel: to }) {
      if (!messageMethods.has(method) || isOfInstallation(method, refusal)) return;
      const isHere = channel !== undefined && to === channel;
      const before = refused.size;
      if (outcome === 'ok' && (isHere || ofToken.test(refused.get(method) ?? ''))) {
        refused.delete(method);
        if (before > 0 && refused.size === 0) onTaken();
      }
      if (outcome !== 'refused') return;
      if (ofToken.test(refusal) || (isHere && !isAboutMessage(refusal))) {
        refused.set(method, refusal);
      }
      const now = problem();
      if (before === 0 && now !== null) onRefused(now);
    },
  };
}

function sentenceOf(code: string): string {
  const what = ofToken.test(code) ? "dbconn's token" : 'what dbconn says in the incident channel';
  return `Slack refuses ${what} (${code}). ${refusalFix(code)}`;
}

/** What to do about a refusal of posting, by Slack's code (Slack documentation, chat.postMessage, Errors). */
export function refusalFix(code: string): string {
  if (ofToken.test(code)) {
    return 'Install the app to the workspace again, and set SLACK_BOT_TOKEN to its token.';
  }
  switch (code) {
    case 'is_archived':
      return 'Unarchive the channel, or set slack.channel in dbconn.yml to another one.';
    case 'not_in_channel':
    case 'channel_not_found':
      return 'Type /invite @dbconn there, or correct slack.channel in dbconn.yml.';
    case 'restricted_action':
    case 'restricted_action_read_only_channel':
    case 'restricted_action_thread_only_channel':
    case 'restricted_action_non_threadable_channel':
      return 'Let the app post in that channel: its posting permissions leave the app out.';
    case 'missing_scope':
    case 'no_permission':
      return 'Add the scopes of manifest.yml under "OAuth & Permissions" and reinstall the app.';
    default:
      return 'Check the channel and the scopes of manifest.yml.';
  }
}
