import {
  WebAPIHTTPError,
  WebAPIPlatformError,
  WebAPIRateLimitedError,
  WebAPIRequestError,
} from '@slack/web-api';

/** Why the bot could not come up in Slack, and what the operator does about it. */
export class SlackStartError extends Error {
  /** Whether it stays so until the operator changes something here, whatever becomes of Slack. */
  readonly isFinal: boolean;

  constructor(message: string, cause?: unknown, isFinal = false) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'SlackStartError';
    this.isFinal = isFinal;
  }
}

/** Which of the two tokens was being used. */
type Credential = 'bot token' | 'app token';

const whereToFind: Readonly<Record<Credential, string>> = {
  'bot token':
    'Set SLACK_BOT_TOKEN to the Bot User OAuth Token (xoxb-…) from "OAuth & Permissions", after installing the app to the workspace.',
  'app token':
    'Set SLACK_APP_TOKEN to an App-Level Token (xapp-…) with the scope connections:write from "Basic Information", and enable Socket Mode.',
};

/** Turns what Slack's client throws into a sentence that says what happened and what to do next. */
export function toStartError(error: unknown, credential: Credential): SlackStartError {
  if (error instanceof SlackStartError) return error;
  const fix = whereToFind[credential];
  if (error instanceof WebAPIPlatformError && error.data.error === 'token_expired') {
    const text = `Slack says that the ${credential} has expired (token_expired): token rotation replaces it every 12 hours, which dbconn does not. Create the app again from manifest.yml, which has rotation off.`;
    return new SlackStartError(text, error);
  }
  if (error instanceof WebAPIPlatformError) {
    const { error: code } = error.data;
    const text = `Slack refused the ${credential} (${code}). ${fix}`;
    return new SlackStartError(text, error, wrongTokens.has(code));
  }
  if (error instanceof WebAPIRateLimitedError) {
    const text = `Slack asks to wait ${error.retryAfter} s before the next start: something starts dbconn too often.`;
    return new SlackStartError(text, error);
  }
  if (error instanceof WebAPIHTTPError) {
    const text = `Slack answered HTTP ${error.statusCode}. Check SLACK_API_URL and any proxy in between.`;
    return new SlackStartError(text, error);
  }
  if (error instanceof WebAPIRequestError) {
    const text = 'Slack could not be reached. Check the network, the proxy and SLACK_API_URL.';
    return new SlackStartError(text, error);
  }
  return new SlackStartError(`Slack could not be joined with the ${credential}. ${fix}`, error);
}

/** Whether Slack itself said no: the next attempt in a moment hears the same. */
export function isRefusal(error: unknown): boolean {
  return error instanceof WebAPIPlatformError;
}

/**
 * Slack never knew this token, or it is of another kind (Slack documentation, auth.test, Errors): a mistake of the
 * installation. What Slack has taken back, it may give again.
 */
const wrongTokens = new Set(['invalid_auth', 'not_authed', 'not_allowed_token_type']);
